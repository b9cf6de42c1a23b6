#include "tools/cli/suggest.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/utf8.hpp"

namespace cnf {
namespace {

/// Words that people bring from elsewhere, lower case and with dashes, and ours.
struct Synonyms {
  std::string_view ours, theirs;  ///< theirs separated by blanks
  std::string_view note{};        ///< behind the question mark
};
constexpr std::array kSynonyms{
    // verbs
    Synonyms{"train", "fit learn optimize optimise"},
    Synonyms{"train", "resume continue", "cnf train --resume RUN goes on with a run"},
    Synonyms{"straighten", "reflow rectify distill distil"},
    Synonyms{"logprob", "predict score score-samples likelihood log-likelihood log-prob logp pdf logpdf"},
    Synonyms{"sample", "generate draw rsample simulate"},
    Synonyms{"density", "plot heatmap picture image visualize visualise viz render"},
    Synonyms{"evaluate", "test validate measure"},
    Synonyms{"compare", "benchmark versus vs baselines rank"},
    Synonyms{"encode", "transform forward latent"},
    Synonyms{"decode", "inverse invert backward inverse-transform"},
    Synonyms{"info", "inspect show describe summary print"},
    Synonyms{"gradcheck", "check-grad grad-check check-gradient check-gradients gradients verify"},
    Synonyms{"data", "datasets dataset toy toys sets list make-data", "cnf data --list shows the sets"},
    Synonyms{"solve", "integrate ode odeint solve-ivp trajectory trajectories"},
    Synonyms{"workprecision", "work-precision precision-work convergence trade-off tradeoff"},
    // densities
    Synonyms{"gaussian", "normal mvn multivariate-normal"},
    Synonyms{"mixture", "gmm gaussian-mixture mixture-of-gaussians"},
    Synonyms{"kde", "kernel kernel-density kernel-estimate parzen"},
    // options
    Synonyms{"steps", "epochs epoch n-epochs num-epochs max-epochs", "It counts updates, not passes over the data"},
    Synonyms{"steps",
             "iterations iters niters n-iters n-iter n-steps num-steps num-iterations max-iter max-iters updates"},
    Synonyms{"seconds", "time-limit timeout max-time budget"},
    Synonyms{"lr", "learning-rate learning-rate-init eta"},
    Synonyms{"optimizer", "optimiser optim opt rule"},
    Synonyms{"schedule", "scheduler lr-scheduler lr-schedule"},
    Synonyms{"beta1", "momentum"},
    Synonyms{"weight-decay", "wd l2 alpha"},
    Synonyms{"clip", "grad-clip clip-grad gradient-clip clip-norm max-norm max-grad-norm"},
    Synonyms{"batch", "batch-size bs bsz minibatch"},
    Synonyms{"hidden",
             "hidden-units hidden-sizes hidden-size hidden-dim hidden-dims hidden-features hidden-layer-sizes "
             "dims layers num-layers n-layers width depth"},
    Synonyms{"activation", "nonlinearity act act-fn"},
    Synonyms{"time", "layer-type conditioning"},
    Synonyms{"field", "model arch architecture network"},
    Synonyms{"objective", "loss loss-fn criterion"},
    Synonyms{"solver", "method integrator ode-solver solver-type"},
    Synonyms{"solver", "step-size num-solver-steps", "Fixed steps are --solver rk4:N"},
    Synonyms{"rtol", "tol tolerance eps"},
    Synonyms{"gradient", "adjoint sensitivity odeint-adjoint"},
    Synonyms{"divergence", "divergence-fn trace trace-estimator hutchinson"},
    Synonyms{"probe", "noise rademacher"},
    Synonyms{"t-end", "time-length train-t t1 end-time"},
    Synonyms{"precision", "dtype float32 float64"},
    Synonyms{"validate-every", "val-freq val-every eval-every log-every eval-freq"},
    Synonyms{"patience", "early-stopping n-iter-no-change"},
    Synonyms{"valid", "val validation val-split validation-split validation-fraction valid-size"},
    Synonyms{"test", "test-size test-split"},
    Synonyms{"seed", "random-state random-seed manual-seed rng"},
    Synonyms{"threads", "device gpu cuda cpu", "It runs on the processor alone"},
    Synonyms{"threads", "jobs n-jobs workers num-workers num-threads n-threads cores"},
    Synonyms{"num", "n n-samples num-samples samples count npts"},
    Synonyms{"output", "out-dir outdir outfile out-file save save-dir save-path logdir dir"},
    Synonyms{"data", "input inputs dataset dataname file csv train-data"},
    Synonyms{"force", "overwrite exist-ok"},
    Synonyms{"recipe", "config conf cfg yaml toml params"},
    Synonyms{"resume", "load ckpt checkpoint continue resume-from"},
    Synonyms{"model", "run ckpt checkpoint load weights path"},
    Synonyms{"columns", "cols usecols features"},
    Synonyms{"range", "xlim ylim extent bounds box window"},
    Synonyms{"size", "figsize width height resolution"},
    Synonyms{"magnify", "dpi zoom font-size fontsize line-width linewidth"},
    Synonyms{"scale", "norm color-scale colour-scale"},
    Synonyms{"clip", "vmax", "The top of the colours is at the density that this share of probability exceeds"},
    Synonyms{"aspect", "ratio aspect-ratio"},
    Synonyms{"colormap", "cmap palette"},
    Synonyms{"progress", "verbose verbosity"},
    Synonyms{"quiet", "silent no-progress"},
    Synonyms{"dry-run", "n check just-print"},
    Synonyms{"version", "v ver"},
    Synonyms{"generate", "completion completions complete man manual"},
    // choices
    Synonyms{"silu", "gelu swish mish elu"},
    Synonyms{"relu", "leaky-relu leakyrelu"},
    Synonyms{"tanh", "sigmoid logistic"},
    Synonyms{"sin", "sine siren"},
    Synonyms{"dopri5", "rk45 ode45 dopri45 dopri dormand-prince runge-kutta adaptive"},
    Synonyms{"dopri5", "implicit bdf radau lsoda cvode rosenbrock", "There is no implicit method here"},
    Synonyms{"adams", "ode113 vcabm vode"},
    Synonyms{"dopri8", "dop853 dopri853 rk78 ode78"},
    Synonyms{"bosh3", "rk23 ode23 bogacki-shampine"},
    Synonyms{"heun", "heun2 adaptive-heun"},
    Synonyms{"fehlberg45", "rkf45 fehlberg"},
    Synonyms{"abm4", "explicit-adams fixed-adams implicit-adams adams-bashforth"},
    Synonyms{"exact", "brute-force full"},
    Synonyms{"hutchinson", "approximate approx estimate stochastic skilling"},
    Synonyms{"discrete", "backprop autograd direct"},
    Synonyms{"continuous", "adjoint odeint-adjoint"},
    Synonyms{"likelihood", "mle nll ml max-likelihood maximum-likelihood"},
    Synonyms{"flow-matching", "cfm fm ot-cfm otcfm matching rectified-flow"},
    Synonyms{"float", "float32 fp32 f32 single half fp16 bf16"},
    Synonyms{"double", "float64 fp64 f64"},
    Synonyms{"f4", "float32 float single"},
    Synonyms{"f8", "float64 double"},
    Synonyms{"stop", "raise fail"},
    Synonyms{"skip", "ignore nan warn"},
    Synonyms{"auto", "bar tqdm"},
    Synonyms{"none", "off no"},
    Synonyms{"grey", "gray greys"},
    // built-in sets
    Synonyms{"moons", "two-moons 2moons make-moons"},
    Synonyms{"circles", "make-circles two-circles"},
    Synonyms{"2spirals", "spirals spiral two-spirals"},
    Synonyms{"swissroll", "swiss-roll make-swiss-roll"},
    Synonyms{"8gaussians", "gaussians eight-gaussians"},
    Synonyms{"checkerboard", "checker chessboard"},
};

/// A known name, and what is to be said of it.
struct Meant {
  std::string name{};
  std::string_view note{};
};

Meant meant_by(const std::string& typed, std::span<const std::string> candidates) {
  for (const auto& [ours, theirs, note] : kSynonyms) {
    if (std::find(candidates.begin(), candidates.end(), ours) == candidates.end()) continue;
    for (std::string_view rest = theirs; !rest.empty();) {
      const std::string_view word = rest.substr(0, rest.find(' '));
      if (word == typed) return {std::string(ours), note};
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
    }
  }
  return {};
}

Meant find(std::string_view word, std::span<const std::string> candidates) {
  constexpr std::size_t kLongest = 64;  // no name of ours is longer, and a pasted file is not compared
  if (word.empty() || word.size() > kLongest) return {};
  std::string typed = lower(word);
  std::replace(typed.begin(), typed.end(), '_', '-');
  if (Meant meant = meant_by(typed, candidates); !meant.name.empty()) return meant;
  // Half of the length: "xy" is two edits from every name of two letters.
  int best = std::min(2, static_cast<int>(typed.size()) / 2) + 1;
  std::string found;
  std::vector<std::string> begun;
  for (const std::string& name : candidates) {
    const int distance = edit_distance(typed, lower(name));
    if (distance < best) {
      best = distance;
      found = name;
    }
    if (typed.size() >= 3 && lower(name).starts_with(typed)) begun.push_back(name);
  }
  return {found.empty() && begun.size() == 1 ? begun.front() : found};
}

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  const std::size_t n = b.size();
  std::vector<int> two_above(n + 1), above(n + 1), row(n + 1);
  for (std::size_t j = 0; j <= n; ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    two_above.swap(above);
    above.swap(row);
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= n; ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], two_above[j - 2] + 1);
    }
  }
  return row[n];
}

std::string closest(std::string_view word, std::span<const std::string> candidates) {
  return find(word, candidates).name;
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates, std::string_view prefix) {
  const Meant meant = find(word, candidates);
  if (meant.name.empty()) return {};
  return "did you mean " + std::string(prefix) + meant.name + "?" + (meant.note.empty() ? "" : " ") +
         std::string(meant.note);
}

}  // namespace cnf
