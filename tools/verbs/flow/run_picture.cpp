#include "tools/verbs/flow/run_picture.hpp"

#include "tools/verbs/flow/density_corner.hpp"
#include "tools/verbs/flow/density_picture.hpp"
#include "tools/verbs/flow/density_subject.hpp"

namespace cnf {

double picture_cost(Index D) {
  constexpr double kPlane = 5e4, kCurve = 5e3;  // the plane's pixels, the curve's samples that say where it lies
  if (D > kMostCornerColumns) return 0;
  return D == 1 ? kCurve : D == 2 ? kPlane : static_cast<double>(kCornerSamples);
}

void draw_run_picture(const std::filesystem::path& path, const ModelFile& file, const Density* density,
                      const Batch& train, const EvaluationOptions& evaluation, Progress::Mode progress, Links links) {
  const Index D = file.model.dim();
  if (D > kMostCornerColumns) return;
  if (D == 2) return draw_density(path, file, density, train, evaluation, progress, links);
  const RowsBeside data = rows_beside(density, train, Seed{});
  if (D == 1) return draw_density_curve(path, file, data, evaluation, links);
  draw_density_corner(path, file, data, evaluation, progress, links);
}

}  // namespace cnf
