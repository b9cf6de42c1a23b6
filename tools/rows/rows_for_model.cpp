#include "tools/rows/rows_for_model.hpp"

#include <algorithm>
#include <unordered_set>

#include "base/error.hpp"
#include "tools/rows/data_argument.hpp"

namespace cnf {

Index block_rows(Index D) {
  constexpr Index kMostValues = 1 << 20, kMostRows = 16384;
  return std::clamp(kMostValues / std::max<Index>(D, 1) / kMostTileRows * kMostTileRows, kMostTileRows, kMostRows);
}

namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t j = 0; j < names.size() && j < 10; ++j) text += (j > 0 ? ", " : "") + names[j];
  return names.size() > 10 ? text + ", ..." : text;
}

/// Columns of another reader, in an order of their own.
class PickedRows final : public RowReader {
 public:
  PickedRows(std::unique_ptr<RowReader> all, std::vector<Index> keep) : all_(std::move(all)), keep_(std::move(keep)) {
    for (const Index j : keep_) columns_.push_back(all_->columns()[static_cast<std::size_t>(j)]);
  }
  const std::string& source() const override { return all_->source(); }
  const std::vector<std::string>& columns() const override { return columns_; }
  std::optional<Index> rows() const override { return all_->rows(); }
  Index dropped() const override { return all_->dropped(); }
  Index number(Index i) const override { return numbers_.at(static_cast<std::size_t>(i)); }
  Index read(Out<double> block) override {
    check_block(block);
    numbers_.clear();
    // In pieces, since there may be far more columns than are kept.
    buffer_.resize(std::ssize(all_->columns()), std::min(block.cols(), block_rows(std::ssize(all_->columns()))));
    for (Index n = 0; n < block.cols();) {
      const Index room = std::min(buffer_.cols(), block.cols() - n);
      const Index got = all_->read(Out<double>(buffer_.data(), buffer_.rows(), room));
      for (std::size_t j = 0; j < keep_.size(); ++j)
        block.row(static_cast<Index>(j)).segment(n, got) = buffer_.row(keep_[j]).head(got);
      for (Index i = 0; i < got; ++i) numbers_.push_back(all_->number(i));
      n += got;
      if (got < room) return n;
    }
    return block.cols();
  }

 private:
  std::unique_ptr<RowReader> all_;
  std::vector<Index> keep_;
  std::vector<std::string> columns_;
  std::vector<Index> numbers_;
  Batch buffer_;
};

bool holds_all(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  const std::unordered_set<std::string_view> held(names.begin(), names.end());
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& name) { return held.contains(name); });
}

}  // namespace

std::unique_ptr<RowReader> open_rows_for(const std::string& file, const std::vector<std::string>& wanted, bool by_name,
                                         const RowOptions& given) {
  std::unique_ptr<RowReader> rows = open_rows(file, given);
  const bool asked = !given.columns.empty() || !given.drop.empty();
  if (!asked && rows->columns() != wanted && holds_all(rows->columns(), wanted)) {
    RowOptions named = given;
    named.columns = wanted;
    std::error_code error;
    if (!std::filesystem::is_regular_file(file, error))  // a pipe cannot be opened twice
      return std::make_unique<PickedRows>(std::move(rows), select_columns(rows->source(), rows->columns(), named));
    return open_rows(file, named);
  }
  const std::vector<std::string>& names = rows->columns();
  if (!asked && by_name && names != wanted && names != numbered_columns(std::ssize(names)))
    throw InputError(rows->source() + ": its columns are " + listed(names) + "; the model's are " + listed(wanted),
                     "--columns says which to take, in the model's order");
  if (names.size() != wanted.size())
    throw InputError(rows->source() + ": " + std::to_string(names.size()) +
                         (names.size() == 1 ? " column" : " columns") + ", the model takes " +
                         std::to_string(wanted.size()) + ": " + listed(wanted),
                     names.size() > wanted.size() ? "--columns says which to take, in the model's order" : "");
  return rows;
}

std::unique_ptr<RowReader> open_data_rows(const std::string& file, const Cnf& model, const RowOptions& given) {
  const bool own_names =
      !model.columns.empty() && model.columns != numbered_columns(model.dim()) && model.columns != planar_columns();
  return open_rows_for(file, model.columns, own_names, given);
}

std::vector<std::string> base_columns(const Cnf& model) {
  std::vector<std::string> names;
  for (Index j = 1; j <= model.dim(); ++j) names.push_back(std::string("z").append(std::to_string(j)));
  return names;
}

std::unique_ptr<RowReader> open_base_rows(const std::string& file, const Cnf& model, const RowOptions& given) {
  return open_rows_for(file, base_columns(model), false, given);
}

SampleBatch next_block(RowReader& rows) {
  const Index D = std::ssize(rows.columns());
  Batch x(D, block_rows(D));
  const Index n = rows.read(Out<double>(x.data(), x.rows(), x.cols()));
  x.conservativeResize(D, n);
  return {std::move(x), Batch(0, n)};
}

}  // namespace cnf
