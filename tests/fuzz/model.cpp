// A model's file, and the rows that a run keeps beside it.
#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "flows/files/model_file.hpp"
#include "tests/fuzz/target.hpp"
#include "tools/run/run_folder.hpp"

using namespace cnf;

namespace {

bool same(const Batch& a, const Batch& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(double)) == 0);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file = fuzz::signed_file(data, size);
  fuzz::accepts([&] {
    const std::string again = model_bytes(read_model(file.path()));
    const fuzz::MemoryFile second(fuzz::bytes(again));
    fuzz::require(model_bytes(read_model(second.path())) == again, "a model that is read is written and read again");
  });
  fuzz::accepts([&] {
    const SplitRows rows = read_split_rows(file.path());
    const fuzz::MemoryFile second(fuzz::bytes(""));
    const int descriptor = ::open(second.path().c_str(), O_WRONLY | O_CLOEXEC);
    FileWriter writer(descriptor, "rows");
    write_split_rows(writer, rows);
    writer.finish();
    ::close(descriptor);
    const SplitRows again = read_split_rows(second.path());
    fuzz::require(
        same(rows.train, again.train) && same(rows.validation, again.validation) && same(rows.test, again.test),
        "rows that are read are written and read again");
  });
  return 0;
}
