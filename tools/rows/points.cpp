#include "tools/rows/points.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "datasets/toy.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/signals.hpp"
#include "tools/rows/data_argument.hpp"
#include "tools/rows/row_notes.hpp"
#include "tools/rows/rows_for_model.hpp"

namespace cnf {

std::vector<Option> points_options(const std::string& help) {
  return {{.name = "data",
           .value = "DATA",
           .kind = Kind::path,
           .choices = toy_names(),
           .help = "A built-in set, a picture, FILE.npy or FILE.csv. " + help,
           .group = "Data"},
          {.name = "num",
           .letter = 'N',
           .value = "N",
           .kind = Kind::integer,
           .initial = "10000",
           .range = Range::whole(2, 1'000'000'000'000),
           .help = "Points to draw; of a file or test rows the first N, if given.",
           .group = "Data"}};
}

SampleBatch Points::next(Index done, Seed seed) {
  const EndAtOnce nothing_is_written;
  const Index D = density ? density->dim() : reader ? std::ssize(reader->columns()) : rows.rows();
  const Index n = std::min(limit - done, block_rows(D));
  if (n <= 0) return {};
  if (density)
    return {density->sample(seed, Purpose::data, static_cast<std::uint32_t>(DrawStep::evaluation),
                            static_cast<std::uint64_t>(done), n),
            {}};
  if (!reader) return {rows.middleCols(done, std::min(n, rows.cols() - done)), {}};
  Batch x(D, n);
  const Index got = reader->read(Out<double>(x.data(), x.rows(), x.cols()));
  x.conservativeResize(x.rows(), got);
  return {std::move(x), {}};
}

Index Points::for_each_block(Seed seed, const std::string& verb, const std::function<void(const SampleBatch&)>& judge) {
  Index done = 0;
  for (SampleBatch samples = next(0, seed); samples.x.cols() > 0; samples = next(done, seed)) {
    judge(samples);
    done += samples.x.cols();
    if (reader && samples.x.cols() < block_rows(samples.x.rows())) break;
  }
  if (done == 0) throw InputError(reader ? nothing_left(*reader) : name + ": no row in it");
  if (!reader) return done;
  say_notes(verb, *reader);
  if (reader->ledger().left_out().all() > 0) write_stderr("cnf " + verb + ": " + said_of_left_out(*reader) + "\n");
  return done;
}

}  // namespace cnf
