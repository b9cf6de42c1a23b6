#include "datasets/npy_rows.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/npy.hpp"
#include "base/zip.hpp"

namespace cnf {
namespace {

/// The name of the one array in an archive that numpy.savez wrote.
const ZipMember& only_array(const std::string& name, const std::vector<ZipMember>& members) {
  std::vector<const ZipMember*> arrays;
  std::string list;
  for (const ZipMember& member : members) {
    if (!member.name.ends_with(".npy")) continue;
    if (arrays.size() < 10) list += (list.empty() ? "" : ", ") + member.name.substr(0, member.name.size() - 4);
    arrays.push_back(&member);
  }
  if (arrays.size() == 1) return *arrays[0];
  if (arrays.empty()) throw InputError(name + ": an archive without an array, expected one that numpy.savez wrote");
  if (arrays.size() > 10) list += ", ...";
  const bool sparse = (", " + list + ",").find(", indptr,") != std::string::npos;
  throw InputError(
      name + ": " + std::to_string(arrays.size()) + " arrays, expected one: " + list,
      sparse ? "it is a sparse matrix of SciPy: np.save('a.npy', scipy.sparse.load_npz('" + name + "').toarray())"
             : "save one of them: np.save('a.npy', np.load('" + name + "')['" +
                   arrays[0]->name.substr(0, arrays[0]->name.size() - 4) + "'])");
}

class NpyRows final : public RowReader {
 public:
  NpyRows(ByteSource bytes, std::string name, const RowOptions& options)
      : file_(std::move(bytes)), name_(std::move(name)), ledger_(options), filter_(name_, names(options), options) {
    keep_ = select_columns(name_, names_, options);
    for (const Index j : keep_) columns_.push_back(names_[static_cast<std::size_t>(j)]);
    filter_.expect_numbers(name_);
    for (const Index j : keep_) expect_number(j);
    for (const std::size_t j : filter_.columns()) expect_number(static_cast<Index>(j));
  }

  const std::string& source() const override { return name_; }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<Index> rows() const override { return file_.rows(); }
  const RowLedger& ledger() const override { return ledger_; }
  std::string place_of(Index number) const override { return name_ + ": row " + std::to_string(number) + " (from 1)"; }

  Index read(Out<double> block) override {
    check_block(block);
    ledger_.begin_block();
    Index n = 0;
    while (n < block.cols() && row_ < file_.rows()) {
      // In pieces of about 64 Ki values, whatever room the block has.
      const Index piece = std::min(block.cols() - n, std::max<Index>(1, 65536 / file_.cols()));
      n = take(piece, block, n);
    }
    while (ledger_.failing() && row_ < file_.rows()) take(std::max<Index>(1, 65536 / file_.cols()), block, 0);
    if (row_ == file_.rows()) ledger_.finish();
    return n;
  }

 private:
  /// The names of the array's columns, where it is a table.
  const std::vector<std::string>& names(const RowOptions& options) {
    const std::vector<std::string> fields = file_.names();
    if (fields.empty() && (file_.shape().empty() || file_.shape().size() > 2))
      throw InputError(name_ + ": an array of " + std::to_string(file_.shape().size()) +
                           " dimensions, expected (rows, columns) or (rows,)",
                       file_.shape().empty() ? "" : "one row each is a.reshape(len(a), -1)");
    if (file_.rows() == 0 || file_.cols() == 0)
      throw InputError(name_ + ": an array of shape (" + std::to_string(file_.rows()) + ", " +
                       std::to_string(file_.cols()) + ") is empty, expected rows of numbers");
    if (file_.cols() > kMostColumns) refuse_columns(name_);
    names_ = column_names(name_, fields.empty() ? numbered_columns(file_.cols()) : fields, options);
    return names_;
  }

  void expect_number(Index j) const {
    const std::string &trouble = file_.trouble(j), &column = names_[static_cast<std::size_t>(j)];
    if (trouble.empty()) return;
    throw InputError(name_ + ": column " + std::to_string(j + 1) + ", '" + column + "': " + trouble,
                     "leave it out: --drop " + column);
  }

  /// Reads up to `piece` rows and puts the valid ones into the block from column n on; returns the new n.
  Index take(Index piece, Out<double>& block, Index n) {
    buffer_.resize(static_cast<std::size_t>(piece * file_.cols()));
    const Index got = file_.read_rows(buffer_);
    if (got == 0) throw InputError(name_ + ": ends before its last row");
    for (Index i = 0; i < got; ++i) {
      const double* row = buffer_.data() + i * file_.cols();
      ++row_;
      const Fate fate = judge(row);
      if (fate == Fate::taken && !ledger_.failing())
        for (std::size_t j = 0; j < keep_.size(); ++j) block(static_cast<Index>(j), n) = row[keep_[j]];
      if (ledger_.enter(fate, row_, {block.data() + n * block.rows(), keep_.size()})) ++n;
    }
    return n;
  }

  Fate judge(const double* row) {
    if (const Fate fate = filter_.judge_in_array(row, file_.float_bytes()); fate != Fate::taken) return fate;
    for (std::size_t j = 0; j < keep_.size(); ++j) {
      const double value = row[keep_[j]];
      if (filter_.has_missing() && filter_.is_missing_in_array(value, file_.float_bytes())) return Fate::missing;
      if (std::isfinite(value)) continue;
      ledger_.invalid(name_ + ": row " + std::to_string(row_) + ", column " + std::to_string(keep_[j] + 1) +
                          " (both from 1): " +
                          (std::isnan(value) ? "nan"
                           : value > 0       ? "inf"
                                             : "-inf") +
                          ", expected a finite number in column '" + columns_[j] + "'",
                      "");
      return Fate::invalid;
    }
    return Fate::taken;
  }

  NpyReader file_;
  std::string name_;
  std::vector<std::string> names_;  ///< of all columns
  RowLedger ledger_;
  RowFilter filter_;
  std::vector<Index> keep_;
  std::vector<std::string> columns_;  ///< of those kept
  std::vector<double> buffer_;
  Index row_ = 0;
};

}  // namespace

std::unique_ptr<RowReader> read_npy_rows(ByteSource bytes, std::string name, const RowOptions& options) {
  return std::make_unique<NpyRows>(std::move(bytes), std::move(name), options);
}

std::unique_ptr<RowReader> read_npz_rows(ByteSource bytes, std::string name, const RowOptions& options) {
  const std::vector<ZipMember> members = zip_members(bytes);
  const ZipMember& array = only_array(name, members);
  return read_npy_rows(open_zip_member(std::move(bytes), array), std::move(name), options);
}

}  // namespace cnf
