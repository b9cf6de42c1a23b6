#include "datasets/table.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace cnf {

Table read_table(const std::filesystem::path& path, const RowOptions& options) {
  return read_table(*open_rows(path, options));
}

Table read_table(RowReader& rows) {
  Table table;
  table.columns = rows.columns();
  table.source = rows.source();
  const Index D = static_cast<Index>(table.columns.size());
  // A header may promise any number of rows: memory grows with what has been read, not with the promise.
  Index n = 0, next = 0, room = std::max<Index>(65536 / D, 1);
  Batch& x = table.values;
  for (;;) {
    x.conservativeResize(D, room);
    const Index got = rows.read(Out<double>(x.data() + n * D, D, room - n));
    for (Index i = 0; i < got; ++i, ++next) {
      const Index number = rows.ledger().number(i);
      if (table.numbers.empty() || number != next) table.numbers.push_back({n + i, number});
      next = number;
    }
    n += got;
    if (n < room) break;
    room += std::max<Index>(room / 2, 1);
  }
  x.conservativeResize(D, n);
  table.left_out = rows.ledger().left_out();
  table.notes = rows.take_notes();
  if (n == 0) throw InputError(table.source + ": no row is left: " + table.left_out.text());
  return table;
}

Index Table::number(Index i) const {
  const auto after = std::upper_bound(numbers.begin(), numbers.end(), i,
                                      [](Index sample, const Number& at) { return sample < at.sample; });
  const Number& at = after[-1];
  return at.number + i - at.sample;
}

}  // namespace cnf
