#include <catch2/catch.hpp>
#include <cstring>
#include <functional>
#include <limits>
#include <map>

#include "base/error.hpp"
#include "base/safetensors.hpp"
#include "flows/files/training_file.hpp"
#include "flows/training/flow_task.hpp"
#include "tests/base/temporary_folder.hpp"
#include "tests/flows/models.hpp"

using namespace cnf;

namespace {

using Catch::Contains;

ModelFile example(Precision precision = Precision::single_float, const std::vector<Index>& hidden = {4, 3}) {
  ModelFile file;
  file.model = small_flow(small_shape(hidden, Activation::softplus, true));
  if (precision == Precision::double_float) file.model.params *= 1.0 / 3;
  file.model.blocks[0].t_base = 0.1;
  file.model.blocks[0].t_data = 1.3;
  file.model.standardisation.mean << 0.1, -1e-300;
  file.model.standardisation.scale << 2.0 / 3, 0, -0.7, 1e10;
  file.model.columns = {"x", "height, \"in m\" \xc3\xa9"};
  file.precision = precision;
  file.recipe = R"({"seed": 7, "lr": 1e-2})";
  file.numbers = R"({"validation_nll":2.5})";
  return file;
}

template <class T>
TrainingFile<T> training_example() {
  TrainingFile<T> out{example(std::is_same_v<T, float> ? Precision::single_float : Precision::double_float), {}};
  TrainingState<T>& s = out.state;
  s = initial_state<T>(out.file.model);
  s.current.slots[0] = s.current.params / 3;
  s.current.slots[1] = s.current.params.cwiseAbs2();
  s.current.average = s.current.params / 7;
  s.current.updates = 17;
  s.last_good.updates = 11;
  s.best = s.current.params * 2;
  s.best_score = 2.0 / 3;
  s.best_step = 10, s.step = 19, s.steps = 100, s.rate_scale = 0.25;
  s.skipped = 2, s.rollbacks = 1, s.failed_in_a_row = 3, s.stale_validations = 4;
  s.window_loss = 1.0 / 3, s.window_evaluations = 77, s.window_solves = 5, s.window_steps = 4, s.gradient_norm = 0.1;
  return out;
}

/// Reads the bytes from a file called m.safetensors.
class Reader {
 public:
  ModelFile model(const std::string& bytes) const {
    put(path(), bytes);
    return read_model(path());
  }
  template <class T>
  TrainingFile<T> training(const std::string& bytes) const {
    put(path(), bytes);
    return read_training<T>(path());
  }
  /// The message of the refusal; "" if there is none.
  std::string refusal(const std::string& bytes) const {
    return message_of<InputError>([&] { model(bytes); });
  }
  std::filesystem::path path() const { return folder_ / "m.safetensors"; }

 private:
  TemporaryFolder folder_;
};

/// The model's file with something changed and sealed again.
template <class Change>
std::string changed(Change change, const ModelFile& file = example()) {
  const std::string bytes = model_bytes(file);
  Safetensors parts = parse_safetensors(std::as_bytes(std::span(bytes)), "m");
  change(parts);
  return safetensors_bytes(parts);
}

Tensor& tensor(Safetensors& file, std::string_view tensor_name) {
  for (Tensor& t : file.tensors)
    if (t.name == tensor_name) return t;
  throw std::runtime_error("no tensor " + std::string(tensor_name));
}

/// A model's file with one metadata field replaced.
std::string with(const std::string& key, const std::string& value) {
  return changed([&](Safetensors& file) { file.metadata.at(key) = value; });
}

std::string field_json(const std::string& from, const std::string& to) {
  return changed([&](Safetensors& file) {
    std::string& text = file.metadata.at("cnf.field");
    const auto at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("no " + from + " in " + text);
    text.replace(at, from.size(), to);
  });
}

}  // namespace

TEST_CASE("a saved flow reloads bit for bit, and saves to the same bytes", "[flows][file]") {
  const Reader reader;
  for (const Precision precision : {Precision::single_float, Precision::double_float})
    for (const std::vector<Index>& hidden : {std::vector<Index>{4}, {4, 3}, {4, 3, 5}}) {
      const ModelFile file = example(precision, hidden);
      const std::string bytes = model_bytes(file);
      CHECK(model_bytes(file) == bytes);
      const ModelFile back = reader.model(bytes);
      CHECK(model_bytes(back) == bytes);
      CHECK(back.model.params == file.model.params);
      CHECK(back.model.standardisation.mean == file.model.standardisation.mean);
      CHECK(back.model.standardisation.scale == file.model.standardisation.scale);
      CHECK((back.model.blocks[0].t_base == 0.1 && back.model.blocks[0].t_data == 1.3));
      CHECK(back.model.columns == file.model.columns);
      CHECK((back.model.mlp().hidden == hidden && back.model.dim() == 2 && back.model.mlp().output_gate));
      CHECK((back.model.mlp().activation == Activation::softplus &&
             back.model.mlp().time == TimeConditioning::concatsquash));
      CHECK((back.precision == precision && back.recipe == file.recipe && back.numbers == file.numbers));
      const Batch x = normal_batch(2, 3, Seed{80});
      CHECK(log_prob(back.model, x).log_prob == log_prob(file.model, x).log_prob);
    }
}

TEST_CASE("a model's file holds nothing of its time and place, and is a plain safetensors file", "[flows][file]") {
  const Reader reader;
  const std::string bytes = model_bytes(example());
  put(reader.path(), bytes);
  const Safetensors file = read_safetensors(reader.path());
  std::vector<std::string> keys;
  for (const auto& [key, value] : file.metadata) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"cnf.columns", "cnf.field", "cnf.flow", "cnf.format", "cnf.kind",
                                         "cnf.numbers", "cnf.precision", "cnf.recipe"});
  CHECK(bytes.find(reader.path().parent_path().string()) == std::string::npos);
  const Tensor& weight = *file.find("layers.0.weight");
  CHECK(weight.shape == std::vector<std::int64_t>{4, 2});
  const std::vector<float> row_major = values<float>(weight);
  const ModelFile model = example();
  for (Index i = 0; i < 4; ++i)
    for (Index j = 0; j < 2; ++j)
      CHECK(row_major[static_cast<std::size_t>(2 * i + j)] == static_cast<float>(model.model.params[i + 4 * j]));
}

TEST_CASE("a training state reloads bit for bit", "[flows][file]") {
  const Reader reader;
  const auto both = [&](auto zero) {
    using T = decltype(zero);
    TrainingFile<T> file = training_example<T>();
    const std::string bytes = training_bytes(file);
    CHECK(training_bytes(file) == bytes);
    const TrainingFile<T> back = reader.training<T>(bytes);
    CHECK(training_bytes(back) == bytes);
    CHECK(training_precision(reader.path()) == file.file.precision);
    const TrainingState<T>&a = back.state, &b = file.state;
    CHECK((a.current.params == b.current.params && a.current.average == b.current.average &&
           a.current.slots[0] == b.current.slots[0] && a.current.slots[1] == b.current.slots[1] &&
           a.current.updates == 17));
    CHECK((a.last_good.params == b.last_good.params && a.last_good.updates == 11));
    CHECK((a.best == b.best && a.best_score == b.best_score && a.best_step == 10 && a.step == 19 && a.steps == 100));
    CHECK((a.rate_scale == 0.25 && a.skipped == 2 && a.rollbacks == 1 && a.failed_in_a_row == 3));
    CHECK((a.stale_validations == 4 && a.window_loss == b.window_loss && a.window_evaluations == 77));
    CHECK((a.window_solves == 5 && a.window_steps == 4 && a.gradient_norm == 0.1));
    CHECK(back.file.model.params == a.current.params.template cast<double>());
    file.state.best_score = std::numeric_limits<double>::infinity();  // before the first validation
    CHECK(std::isinf(reader.training<T>(training_bytes(file)).state.best_score));
  };
  both(float());
  both(double());
}

TEST_CASE("a model that is not finite is not written", "[flows][file][errors]") {
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    ModelFile file = example();
    const TensorSlice slice = file.model.layout().tensors[6];
    file.model.params[slice.offset + 1] = bad;
    CHECK_THAT(message_of<ComputationError>([&] { model_bytes(file); }), Contains("'" + slice.name + "'"));
    file = example();
    file.model.standardisation.scale(1, 0) = bad;
    CHECK_THAT(message_of<ComputationError>([&] { model_bytes(file); }), Contains("standardisation.scale"));
    TrainingFile<float> training = training_example<float>();
    training.state.last_good.slots[0][0] = static_cast<float>(bad);
    CHECK_THAT(message_of<ComputationError>([&] { training_bytes(training); }),
               Contains("last_good.m.layers.0.weight"));
  }
  ModelFile overflowing = example();
  overflowing.model.params[0] = 1e300;  // finite, but not as the float that is stored
  CHECK_THROWS_AS(model_bytes(overflowing), ComputationError);
}

TEST_CASE("each rule of a model's file is refused by name", "[flows][file][errors]") {
  const Reader reader;
  CHECK(reader.refusal(changed([](Safetensors&) {})).empty());
  const auto refused = [&](const std::string& bytes, const std::string& text) {
    const std::string message = reader.refusal(bytes);
    CHECK_THAT(message, Contains(text));
    CHECK_THAT(message, Contains("m.safetensors: "));
    CHECK(message.find('\n') == std::string::npos);
  };
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()})
    refused(
        changed([&](Safetensors& file) { std::memcpy(tensor(file, "layers.1.weight").data.data() + 4 * 6, &bad, 4); }),
        "tensor 'layers.1.weight' holds " + std::to_string(bad) + " at row 2, column 3");
  refused(changed([](Safetensors& file) {
            tensor(file, "layers.0.weight").shape = {2, 4};
          }),
          "tensor 'layers.0.weight' has shape [2,4], expected [4,2]");
  refused(changed([](Safetensors& file) {
            tensor(file, "layers.0.bias").shape = {4, 1};
          }),
          "tensor 'layers.0.bias' has shape [4,1], expected [4]");
  refused(changed([](Safetensors& file) { tensor(file, "layers.0.bias").dtype = Dtype::I32; }),
          "tensor 'layers.0.bias' holds I32, expected F32");
  refused(changed([](Safetensors& file) {
            std::erase_if(file.tensors, [](const Tensor& t) { return t.name == "layers.2.gate_bias"; });
          }),
          "tensor 'layers.2.gate_bias' is missing");
  refused(changed([](Safetensors& file) {
            file.tensors.push_back(make_tensor<float>("layers.3.weight", {1}, std::vector{1.0F}));
          }),
          "tensor 'layers.3.weight' does not belong");
  refused(changed([](Safetensors& file) {
            const double zero = 0;
            std::memcpy(tensor(file, "standardisation.scale").data.data() + 8 * 3, &zero, 8);
          }),
          "positive diagonal");
  refused(with("cnf.kind", "cnf training state"), "this is a 'cnf training state', expected a 'cnf model'");
  refused(with("cnf.format", "3"), "written by format 3, this build reads 1 to 2; use a newer build");
  refused(with("cnf.format", "2"), "metadata field 'cnf.parts' is missing");
  refused(with("cnf.kind", "cnf classifier"), "this is a 'cnf classifier', expected a 'cnf model'");
  refused(field_json("\"output_gate\":true", "\"output_gate\":true,\"shift\":1"),
          "'shift' means nothing to this build");
  refused(with("cnf.flow", R"({"base":"normal","t_base":0,"t_data":1,"reverse":true})"), "'reverse' means nothing");
  refused(with("cnf.field", R"({"kind":"planar","dim":2,"units":3,"activation":"tanh"})"), "format 1 cannot say");
  for (const char* format : {"", "0", "-1", "1.0", "99999999999999999999"})
    refused(with("cnf.format", format), "is not a format number");
  refused(with("cnf.precision", "half"), "'half' is not known to this build; expected one of float, double");
  refused(with("cnf.precision", "double"), "holds F32, expected F64");
  refused(field_json("softplus", "swish"), "'swish' is not known to this build; expected one of tanh");
  refused(field_json("concatsquash", "film"), "'film' is not known");
  refused(field_json("\"mlp\"", "\"cnn\""), "field kind \"cnn\", expected \"mlp\"");
  refused(field_json("\"dim\":2", "\"dim\":0"), "dim is 0, expected 1 to 1048576");
  refused(field_json("\"dim\":2", "\"dim\":1e300"), "1e+300 is not a whole number");
  refused(field_json("\"dim\":2", "\"dim\":2.5"), "2.5 is not a whole number");
  refused(field_json("\"dim\":2", "\"dim\":18446744073709551615"), "dim is 18446744073709551615, expected");
  refused(field_json("\"dim\":2", "\"dim\":\"2\""), "is not a whole number");
  refused(field_json("[4,3]", "[]"), "hidden has 0 numbers, expected 1 to 64");
  refused(field_json("[4,3]", "[4,-3]"), "hidden is -3, expected 1 to 1048576");
  refused(field_json("[4,3]", "[4]"), "layers.1.weight");
  refused(field_json("\"output_gate\":true", "\"output_gate\":1"), "does not describe a network");
  refused(field_json("\"output_gate\":true", "\"out\":true"), "output_gate");
  refused(with("cnf.field", "[1]"), "does not describe a network");
  refused(with("cnf.field", "{\"kind\":"), "metadata field 'cnf.field' is not JSON");
  refused(with("cnf.flow", R"({"base":"cauchy","t_base":0,"t_data":1})"), "base density \"cauchy\"");
  refused(with("cnf.flow", R"({"base":"normal","t_base":0,"t_data":null})"), "does not describe a network");
  refused(with("cnf.flow", R"({"base":"normal","t_base":1,"t_data":1})"), "finite and different");
  refused(with("cnf.columns", R"(["x","y","z"])"), "3 column names for 2 dimensions");
  refused(with("cnf.columns", R"({"x":1})"), "does not describe a network");
  refused(with("cnf.recipe", "[]"), "'cnf.recipe' is not a JSON object");
  refused(with("cnf.numbers", "12"), "'cnf.numbers' is not a JSON object");
  for (const char* key :
       {"cnf.kind", "cnf.format", "cnf.precision", "cnf.field", "cnf.flow", "cnf.columns", "cnf.recipe", "cnf.numbers"})
    refused(changed([&](Safetensors& file) { file.metadata.erase(key); }),
            "metadata field '" + std::string(key) + "' is missing");
}

namespace {

/// A model that only format 2 can say: an MLP, then planar units, each over its own interval.
ModelFile two_blocks() {
  ModelFile file = example();
  file.model.blocks = {{small_shape({4, 3}, Activation::softplus, true), 0.1, 1.3},
                       {PlanarShape{.dim = 2, .units = 5}, 0, -0.5}};
  file.model.params = Vector<double>::Zero(file.model.layout().size);
  for (const TensorSlice& slice : file.model.layout().tensors)
    for (Index i = slice.offset; i < slice.offset + slice.size(); ++i)
      file.model.params[i] = static_cast<float>(normal({5}, Purpose::direction, 0, static_cast<std::uint64_t>(i), 0));
  return file;
}

std::string with_parts(const std::string& from, const std::string& to) {
  return changed(
      [&](Safetensors& file) {
        std::string& text = file.metadata.at("cnf.parts");
        const auto at = text.find(from);
        if (at == std::string::npos) throw std::runtime_error("no " + from + " in " + text);
        text.replace(at, from.size(), to);
      },
      two_blocks());
}

}  // namespace

TEST_CASE("what format 1 cannot say is written in format 2, and reloads bit for bit", "[flows][file]") {
  const Reader reader;
  const ModelFile file = two_blocks();
  const std::string bytes = model_bytes(file);
  const ModelFile back = reader.model(bytes);
  CHECK(model_bytes(back) == bytes);
  CHECK(back.model.params == file.model.params);
  CHECK(back.model.blocks[1].t_data == -0.5);
  CHECK(std::get<PlanarShape>(back.model.blocks[1].field) == PlanarShape{.dim = 2, .units = 5});
  const Safetensors parts = parse_safetensors(std::as_bytes(std::span(bytes)), "m");
  CHECK(parts.metadata.at("cnf.format") == "2");
  CHECK(parts.find("blocks.0.layers.1.weight") != nullptr);
  CHECK(parts.find("blocks.1.out_weight") != nullptr);
}

TEST_CASE("a file of format 2 that is damaged or means more than this build knows is refused",
          "[flows][file][errors]") {
  const Reader reader;
  const auto refused = [&](const std::string& bytes, const std::string& text) {
    const std::string message = reader.refusal(bytes);
    CHECK_THAT(message, Contains(text));
    CHECK_THAT(message, Contains("m.safetensors: "));
  };
  refused(with_parts("blocks.1", "blocks.0"), "a part named \"blocks.0\" where \"blocks.1\" belongs");
  refused(with_parts("\"base\"", "\"roof\""), "a part named \"roof\" where \"base\" belongs");
  refused(with_parts("\"planar\"", "\"convolution\""), "field kind \"convolution\", expected");
  refused(with_parts("\"normal\"", "\"cauchy\""), "base density \"cauchy\"");
  refused(with_parts("\"units\":5", "\"units\":5,\"reverse\":true"), "'reverse' means nothing to this build");
  refused(with_parts("\"kind\":\"normal\"", "\"kind\":\"normal\",\"scale\":2"), "'scale' means nothing to this build");
  refused(with_parts("\"units\":5", "\"units\":6"), "'blocks.1.weight' has shape [5,2], expected [6,2]");
  refused(with_parts("\"units\":5", "\"units\":1000000000"), "units is 1000000000, expected 1 to 65536");
  refused(with_parts("\"units\":5", "\"unit\":5"), "key 'units' not found");
  refused(with_parts("\"t_data\":-0.5", "\"t_data\":0"), "t_base and t_data must be finite and different");
  refused(with_parts("\"dim\":2,\"units\"", "\"dim\":3,\"units\""), "blocks.1 is over 3 dimensions, blocks.0 over 2");
  refused(changed([](Safetensors& file) { file.metadata.at("cnf.parts") = "[]"; }, two_blocks()),
          "is not a list of 1 to");
  refused(changed([](Safetensors& file) { file.metadata.at("cnf.parts") = std::string(200'000, '['); }, two_blocks()),
          "nested deeper than 8");
  refused(
      changed([](Safetensors& file) {
        file.metadata["cnf.format"] = "2";
        file.metadata["cnf.parts"] =
            R"([{"name":"blocks.0","kind":"mlp","dim":2,"hidden":[4,3],"activation":"softplus","time":"concatsquash",)"
            R"("output_gate":true,"t_base":0,"t_data":1},{"name":"base","kind":"normal"}])";
      }),
      "one MLP on a normal base is of format 1, not 2");
  refused(changed([](Safetensors& file) { file.metadata.at("cnf.format") = "1"; }, two_blocks()),
          "metadata field 'cnf.field' is missing");
}

TEST_CASE("a training state has rules of its own", "[flows][file][errors]") {
  const Reader reader;
  const auto refusal = [&](auto change) {
    const std::string good = training_bytes(training_example<float>());
    Safetensors parts = parse_safetensors(std::as_bytes(std::span(good)), "m");
    change(parts);
    const std::string bytes = safetensors_bytes(parts);
    return message_of<InputError>([&] { reader.training<float>(bytes); });
  };
  CHECK(refusal([](Safetensors&) {}).empty());
  CHECK_THAT(refusal([](Safetensors& file) {
               tensor(file, "counts").shape = {1, 10};
             }),
             Contains("'counts' has shape"));
  CHECK_THAT(refusal([](Safetensors& file) { tensor(file, "counts").data[7] = std::byte{0x80}; }),
             Contains("tensor 'counts': step is -"));
  CHECK_THAT(refusal([](Safetensors& file) {
               tensor(file, "reals").data[6] = tensor(file, "reals").data[7] = std::byte{0xff};
             }),
             Contains("nan, expected"));
  // Each number outside what a run can come to, by name; the numbers' places are those of the names in metadata.
  const auto with_real = [&](std::size_t i, double value) {
    return refusal([&](Safetensors& file) { std::memcpy(tensor(file, "reals").data.data() + 8 * i, &value, 8); });
  };
  const auto with_count = [&](std::size_t i, std::int64_t value) {
    return refusal([&](Safetensors& file) { std::memcpy(tensor(file, "counts").data.data() + 8 * i, &value, 8); });
  };
  const std::string reals[] = {"best_score",    "rate_scale",   "window_loss",  "window_evaluations",
                               "window_solves", "window_steps", "gradient_norm"};
  for (std::size_t i = 0; i < std::size(reals); ++i) {
    CHECK_THAT(with_real(i, INFINITY), Contains(reals[i] + " is inf"));
    if (i != 0 && i != 2) CHECK_THAT(with_real(i, -1), Contains("'reals': " + reals[i] + " is -1, expected"));
  }
  CHECK_THAT(with_real(1, 2), Contains("rate_scale is 2, expected"));
  CHECK_THAT(with_real(1, 0), Contains("rate_scale is 0, expected"));
  const std::string counts[] = {"step",
                                "steps",
                                "best_step",
                                "skipped",
                                "rollbacks",
                                "failed_in_a_row",
                                "stale_validations",
                                "updates",
                                "last_good_updates"};
  for (std::size_t i = 0; i < std::size(counts); ++i) {
    CHECK_THAT(with_count(i, -1), Contains("'counts': " + counts[i] + " is -1, expected 0 to"));
    if (i > 1) CHECK_THAT(with_count(i, 20), Contains(counts[i] + " is 20, expected 0 to 19"));
  }
  CHECK_THAT(refusal([](Safetensors& file) {
               const float negative = -1;
               std::memcpy(tensor(file, "current.v.layers.1.bias").data.data(), &negative, 4);
             }),
             Contains("'current.v.' hold a negative number"));
  CHECK_THAT(
      refusal([](Safetensors& file) { file.tensors.push_back(make_tensor<float>("more", {1}, std::vector{1.0F})); }),
      Contains("'more' does not belong"));
  CHECK_THAT(refusal([](Safetensors& file) { file.metadata["cnf.kind"] = "cnf model"; }),
             Contains("expected a 'cnf training"));
  CHECK_THAT(message_of<InputError>([&] { reader.training<double>(training_bytes(training_example<float>())); }),
             Contains("holds F32, expected F64"));
  put(reader.path(), model_bytes(example()));
  CHECK_THROWS_AS(training_precision(reader.path()), InputError);
}

namespace {

/// Plain descent with one vector, to see that a state's slots go by the optimizer's names.
class Momentum final : public Optimizer<float> {
 public:
  std::string_view name() const override { return "momentum"; }
  std::vector<Slot> slots(const Layout& params) const override { return {{"speed", params}}; }
  void update(const Layout&, Vector<float>& params, std::span<Vector<float>> slots, std::int64_t,
              std::span<const float>, double, int) const override {
    params -= slots[0];
  }
};

std::string changed_state(const std::function<void(Safetensors&)>& change) {
  const std::string good = training_bytes(training_example<float>());
  Safetensors parts = parse_safetensors(std::as_bytes(std::span(good)), "m");
  change(parts);
  return safetensors_bytes(parts);
}

/// Adds a number to a state, under a name.
void add_count(Safetensors& file, const std::string& name, std::int64_t value) {
  Tensor& counts = tensor(file, "counts");
  std::vector<std::int64_t> numbers = values<std::int64_t>(counts);
  numbers.push_back(value);
  counts = make_tensor<std::int64_t>("counts", {std::ssize(numbers)}, numbers);
  std::string& names = file.metadata.at("cnf.counts");
  names.replace(names.size() - 1, 1, ",\"" + name + "\"]");
}

}  // namespace

TEST_CASE("a state names its numbers, and one of the first releases has them in order", "[flows][file]") {
  const Reader reader;
  const std::string bytes = training_bytes(training_example<float>());
  const std::string old = changed_state([](Safetensors& file) {
    for (const char* key : {"cnf.reals", "cnf.counts", "cnf.optimizer"}) CHECK(file.metadata.erase(key) == 1);
    std::vector<std::int64_t> numbers = values<std::int64_t>(tensor(file, "counts"));
    numbers.resize(9);
    tensor(file, "counts") = make_tensor<std::int64_t>("counts", {9}, numbers);
  });
  CHECK(training_bytes(reader.training<float>(old)) == bytes);
  const std::string noted = changed_state([](Safetensors& file) { add_count(file, "note.pauses", 3); });
  CHECK(training_bytes(reader.training<float>(noted)) == bytes);
  const std::string turned = changed_state([](Safetensors& file) {
    std::vector<std::int64_t> numbers = values<std::int64_t>(tensor(file, "counts"));
    std::swap(numbers[0], numbers[1]);
    tensor(file, "counts") = make_tensor<std::int64_t>("counts", {std::ssize(numbers)}, numbers);
    std::string& names = file.metadata.at("cnf.counts");
    names.replace(0, 15, "[\"steps\",\"step\"");
  });
  CHECK(training_bytes(reader.training<float>(turned)) == bytes);
}

TEST_CASE("a number of a state that is unknown, missing or twice there is refused by name", "[flows][file][errors]") {
  const Reader reader;
  const auto refusal = [&](const std::function<void(Safetensors&)>& change) {
    const std::string bytes = changed_state(change);
    return message_of<InputError>([&] { reader.training<float>(bytes); });
  };
  CHECK_THAT(refusal([](Safetensors& file) { add_count(file, "leap", 1); }),
             Contains("the number 'leap' is not known"));
  CHECK_THAT(refusal([](Safetensors& file) { add_count(file, "step", 1); }), Contains("'step' stands twice"));
  CHECK_THAT(refusal([](Safetensors& file) {
               std::string& names = file.metadata.at("cnf.reals");
               names.replace(names.find("rate_scale"), 10, "note.scale");
             }),
             Contains("lacks the number 'rate_scale'"));
  CHECK_THAT(refusal([](Safetensors& file) { file.metadata["cnf.reals"] = "{\"a\":1}"; }),
             Contains("not a list of names"));
  CHECK_THAT(refusal([](Safetensors& file) { file.metadata["cnf.counts"] = "[\"step\"]"; }), Contains("expected [1]"));
  CHECK_THAT(refusal([](Safetensors& file) { file.metadata["cnf.optimizer"] = "muon"; }),
             Contains("trained by the optimizer 'muon', expected 'adam' or 'soap'"));
}

TEST_CASE("a state of several blocks and another optimizer reloads bit for bit", "[flows][file]") {
  const Reader reader;
  const Momentum rule;
  TrainingFile<float> file{two_blocks(), {}};
  const Layout layout = file.file.model.layout();
  file.state = initial_state<float>(layout, Vector<float>(file.file.model.params.cast<float>()), rule);
  file.state.current.slots[0] = file.state.current.params / 3;
  file.state.last_good.average *= 2;
  const std::string bytes = training_bytes<float>(file, rule);
  put(reader.path(), bytes);
  const TrainingFile<float> back = read_training<float>(reader.path(), rule);
  CHECK(training_bytes<float>(back, rule) == bytes);
  CHECK(back.state.current.slots == file.state.current.slots);
  CHECK(back.file.model.blocks.size() == 2);
  const Safetensors parts = parse_safetensors(std::as_bytes(std::span(bytes)), "m");
  CHECK(parts.find("current.speed.blocks.1.out_weight") != nullptr);
  CHECK_THAT(message_of<InputError>([&] { read_training<float>(reader.path()); }),
             Contains("trained by the optimizer 'momentum', expected 'adam' or 'soap'"));
}

TEST_CASE("a network of monstrous size is refused before memory for it is asked for", "[flows][file][errors]") {
  const Reader reader;
  CHECK_THAT(reader.refusal(field_json("[4,3]", "[1048576,1048576]")), Contains("'layers.0.weight' has shape"));
  CHECK_THAT(reader.refusal(field_json("[4,3]", "[4,1048576,1048576]")), Contains("'layers.1.weight' has shape"));
  CHECK_THAT(reader.refusal(field_json("[4,3]", "[4,3,1048577]")),
             Contains("hidden is 1048577, expected 1 to 1048576"));
  CHECK_THAT(reader.refusal(field_json("\"dim\":2", "\"dim\":1048576")), Contains("column names"));
}

TEST_CASE("metadata nested without end is refused, not followed", "[flows][file][errors]") {
  const Reader reader;
  const std::string deep(400'000, '[');
  for (const char* key : {"cnf.recipe", "cnf.numbers", "cnf.field", "cnf.columns"})
    CHECK_THAT(reader.refusal(with(key, deep)), Contains("nested deeper than 8"));
  CHECK_THAT(reader.refusal(with("cnf.recipe", "{\"a\":" + deep)), Contains("nested deeper"));
}

TEST_CASE("every flipped bit and every truncation of a model's file is refused", "[flows][file][errors]") {
  // Flips: 2000 places drawn evenly from all. A missed kind of bit that is one in a thousand of them slips through with
  // probability 0.14; the container's tests go through every bit.
  const Reader reader;
  const std::string bytes = model_bytes(example());
  int missed = 0;
  for (std::uint32_t k = 0; k < 2000; ++k) {
    const std::uint32_t bit =
        uniform_index(Seed{81}, Purpose::direction, 0, k, 0, static_cast<std::uint32_t>(8 * bytes.size()));
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    missed += reader.refusal(flipped).empty();
  }
  CHECK(missed == 0);
  for (std::uint32_t k = 0; k < 200; ++k) {
    const auto length = uniform_index(Seed{82}, Purpose::direction, 0, k, 0, static_cast<std::uint32_t>(bytes.size()));
    missed += reader.refusal(bytes.substr(0, length)).empty();
  }
  missed += reader.refusal(bytes.substr(0, bytes.size() - 1)).empty() + reader.refusal(bytes + '\0').empty();
  CHECK(missed == 0);
}

TEST_CASE("a file that is missing or no model is an input error with its name", "[flows][file][errors]") {
  const Reader reader;
  CHECK_THAT(message_of<InputError>([&] { read_model(reader.path()); }), Contains("m.safetensors"));
  CHECK_THAT(reader.refusal("# not a model\n"), Contains("m.safetensors"));
  Safetensors other;
  other.tensors.push_back(make_tensor<float>("w", {1}, std::vector{1.0F}));
  CHECK_THAT(reader.refusal(safetensors_bytes(other)), Contains("is this a file of ours?"));
}
