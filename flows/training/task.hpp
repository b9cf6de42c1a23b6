// What a trainer is asked to make smaller: a loss by the step, and a judgement now and then.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.hpp"
#include "flows/layout.hpp"
#include "solvers/status.hpp"

namespace cnf {

/// One batch's loss and its gradient. The gradient is the task's memory, valid until its next call.
template <class T>
struct StepResult {
  double loss = 0;                     ///< meaningless if there are failures
  std::span<const double> parts{};     ///< by Task::parts: of a loss that is a weighted sum
  std::span<const T> dloss_dparams{};  ///< layout().size values
  Counters forward{};                  ///< of the forward solves of all tiles; a task without solves counts evaluations
  Index tiles = 1;
  std::vector<Status> failures{};  ///< of the batch's solves: with any of them the step is not made

  double nfe() const { return static_cast<double>(forward.evaluations) / static_cast<double>(tiles); }
};

/// What a validation found.
struct Judgement {
  double score = 0;            ///< less is better; not finite: the weights are unsound
  std::vector<double> values;  ///< of the columns Task::judged names; NaN where nothing is known
  double nfe = 0;              ///< evaluations per solve
  std::string trouble{};       ///< why there is no score, where that is known
};

inline constexpr std::size_t kMostParts = 8;  ///< of a loss

/// Something to train. The trainer never sees data: points, images and series have nothing in common but "batch number
/// `step`".
///
/// Laws: `step` and `judge` are functions of their arguments alone, to the bit and on any number of threads, or a run
/// would not resume; where weights rise, a step is one of what `raise` was last told too. Gaps of the layout get the
/// gradient 0. Either may throw Stopped (base/stop.hpp), which interrupts the run before the step that was being made
/// or judged.
template <class T>
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  /// Of the parameters, which are one flat vector.
  virtual const Layout& layout() const = 0;
  /// The loss on batch number `step` and its gradient, at parameters of layout().size.
  virtual StepResult<T> step(const Vector<T>& params, std::uint32_t step) = 0;
  /// Whether some of the loss's weights rise while a solve takes more and more evaluations; and by how much, from the
  /// next step on, they have risen.
  virtual bool rises() const { return false; }
  virtual void raise(double) {}
  /// The score by which weights are chosen: at evaluation accuracy, whatever training solves at.
  virtual Judgement judge(const Vector<T>& params) = 0;
  /// The names of the judgement's columns in metrics.csv.
  virtual std::span<const std::string_view> judged() const = 0;
  /// What the loss is, in a word for a progress line: "nll".
  virtual std::string_view loss_name() const = 0;
  /// The names of its parts, if it is a weighted sum that is told by parts; at most kMostParts.
  virtual std::span<const std::string_view> parts() const { return {}; }
};

}  // namespace cnf
