// cnf info: what a model file says of itself.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.hpp"
#include "flows/files/shape_json.hpp"
#include "tools/cli/args.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/model_argument.hpp"
#include "tools/run/straightness.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

using Json = nlohmann::ordered_json;

Json object(const std::string& text, const std::string& path, const std::string& what) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw InputError(path + ": its " + what + " cannot be read: " + error.what());
  }
}

/// A block's field, by its settings.
Json describe(const Block& block) {
  Json json = Json::object();  // from null it could not be an object without memory, and not be destroyed
  const Json field = shape_json(block.field);
  for (const auto& [name, value] : field.items())
    if (name != "dim") json[name == "kind" ? "field" : name] = value;
  return json;
}

Json describe(const ModelArgument& opened) {
  const Cnf& model = opened.file.model;
  const std::string path = one_line(opened.path.string());
  const Standardisation& s = model.standardisation;
  Json scale = Json::array();
  for (Index i = 0; i < s.dim(); ++i) {
    Json row = Json::array();
    for (Index j = 0; j < s.dim(); ++j) row.push_back(s.scale(i, j));
    scale.push_back(row);
  }
  Json json{{"file", path}, {"digest", opened.file.digest}, {"dim", model.dim()}, {"columns", model.columns}};
  if (model.blocks.size() == 1) json.update(describe(model.blocks.front()));
  json.update({{"parameters", model.layout().parameters},
               {"precision", std::string(name(opened.file.precision))},
               {"t_base", model.begin()},
               {"t_data", model.end()},
               {"standardisation",
                {{"mean", std::vector<double>(s.mean.data(), s.mean.data() + s.mean.size())}, {"scale", scale}}},
               {"recipe", object(opened.file.recipe, path, "recipe")},
               {"numbers", object(opened.file.numbers, path, "numbers")}});
  if (model.blocks.size() > 1) {
    Json& blocks = json["blocks"] = Json::object();
    for (std::size_t k = 0; k < model.blocks.size(); ++k) {
      Json& block = blocks[std::to_string(k)] = describe(model.blocks[k]);
      block.update({{"t_base", model.blocks[k].t_base}, {"t_data", model.blocks[k].t_data}});
    }
  }
  if (opened.run) {
    const KeptEvaluations kept = kept_evaluations(opened.run->evaluation(), model, opened.file.digest);
    if (kept.certificate) json["few_steps"] = Json::parse(report(*kept.certificate).text(-1));
  }
  return json;
}

/// Text as it is, anything else as JSON; lists without brackets.
std::string plain(const Json& value) {
  if (value.is_string()) return one_line(value.get<std::string>());
  if (!value.is_array() || (!value.empty() && value[0].is_array()))
    return plain_json(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  std::string text;
  for (const Json& element : value) text += (text.empty() ? "" : ", ") + plain(element);
  return text;
}

std::string lines(const Json& object, const std::string& indent = "") {
  std::string text;
  for (const auto& item : object.items()) {
    if (item.value().is_object()) {
      text += indent + one_line(item.key()) + '\n' + lines(item.value(), indent + "  ");
      continue;
    }
    text += padded(indent + one_line(item.key()), 20) + plain(item.value()) + '\n';
  }
  return text;
}

int run_info(const Args& args, const ModelArgument& opened) {
  const Json all = describe(opened);
  write_stdout(args.flag("json") ? plain_json(all.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n"
                                 : lines(all));
  return 0;
}

}  // namespace

Verb info_verb() {
  return {.name = "info",
          .summary = "What a model is and how it was trained",
          .examples = {"cnf info runs/8g", "cnf info model.safetensors --json"},
          .positionals = {model_argument()},
          .options = {json_option(), dry_run_option()},
          .prepare = [](const Args& args) -> Work {
            return [&args, opened = open_model(args.path("model"))] { return run_info(args, opened); };
          }};
}

}  // namespace cnf
