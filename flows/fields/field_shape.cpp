#include "flows/fields/field_shape.hpp"

namespace cnf {

std::string_view kind(const FieldShape& shape) {
  return std::visit([](const auto& s) { return s.kKind; }, shape);
}
std::string_view help(const FieldShape& shape) {
  return std::visit([](const auto& s) { return s.kHelp; }, shape);
}

std::vector<FieldShape> all_field_shapes() {
  return []<std::size_t... I>(std::index_sequence<I...>) {
    return std::vector<FieldShape>{std::variant_alternative_t<I, FieldShape>{}...};
  }
  (std::make_index_sequence<std::variant_size_v<FieldShape>>{});
}

std::optional<FieldShape> find_field_shape(std::string_view name) {
  for (const FieldShape& shape : all_field_shapes())
    if (kind(shape) == name) return shape;
  return {};
}

std::vector<Setting> settings(FieldShape& shape) {
  return std::visit([](auto& s) { return s.settings(); }, shape);
}
Layout layout(const FieldShape& shape) {
  return std::visit([](const auto& s) -> Layout { return s.layout(); }, shape);
}
Index dim(const FieldShape& shape) {
  return std::visit([](const auto& s) { return s.dim; }, shape);
}
void set_dim(FieldShape& shape, Index D) {
  std::visit([D](auto& s) { s.dim = D; }, shape);
}
bool is_smooth(const FieldShape& shape) {
  return std::visit(
      []<class Shape>(const Shape& s) {
        if constexpr (requires { s.activation; }) return s.activation != Activation::relu;
        return true;
      },
      shape);
}
bool has_potential(const FieldShape& shape) {
  return std::visit(
      []<class Shape>(const Shape&) {
        return requires { requires Shape::kHasPotential; };
      },
      shape);
}
Vector<double> initial_parameters(const FieldShape& shape, Seed seed) {
  return std::visit([seed](const auto& s) { return s.initial_parameters(seed); }, shape);
}

template <class T>
std::unique_ptr<Field<T>> make_field(const FieldShape& shape, std::span<const T> params) {
  return std::visit([params](const auto& s) { return s.template make<T>(params); }, shape);
}

template std::unique_ptr<Field<float>> make_field(const FieldShape&, std::span<const float>);
template std::unique_ptr<Field<double>> make_field(const FieldShape&, std::span<const double>);

}  // namespace cnf
