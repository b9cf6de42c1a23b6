// cnf density: a model's exact density as a picture and as numbers: of a line, of the plane, of a plane through more
// columns; and the corner picture of many.
#include "tools/cli/exit_code.hpp"
#include "tools/cli/output.hpp"
#include "tools/cli/shared_options.hpp"
#include "tools/pictures/picture_file.hpp"
#include "tools/run/accuracy.hpp"
#include "tools/run/failures.hpp"
#include "tools/verbs/flow/density_corner.hpp"
#include "tools/verbs/flow/density_over.hpp"
#include "tools/verbs/flow/density_plane.hpp"
#include "tools/verbs/flow/picture_options.hpp"
#include "tools/verbs/verbs.hpp"

namespace cnf {

namespace {

int run_density(const Args& args, const Subject& subject) {
  if (subject.plane()) return run_density_plane(args, subject);
  const RowsBeside data = rows_beside(subject, seed_from(args), args.verb());
  return subject.curve() ? run_density_curve(args, subject.opened, data)
                         : run_density_corner(args, subject.opened, data);
}

Work prepare_density(const Args& args) {
  check_over(args);
  check_accuracy(args);
  Subject subject = open_subject(args);  // whose columns say what the options mean
  check_picture(args, subject.curve() ? 2 : 4);
  if (args.given("output") || !args.given("grid")) {
    check_picture_path(args, "--grid FILE.npy writes the density as numbers");
  }
  if (args.given("grid")) {
    if (args.path("grid").extension() != ".npy")
      throw UsageError("--grid: " + in_quotes(args.text("grid")) + " does not end in .npy");
    refuse_overwrite(args.path("grid"), args.flag("force"));
  }
  return [&args, subject = std::move(subject)] {
    try {
      return run_density(args, subject);
    } catch (const std::invalid_argument& error) {  // a picture that cannot be laid out
      throw UsageError(error.what(), "give a larger --size or a smaller --magnify");
    }
  };
}

}  // namespace

Verb density_verb() {
  Option output = output_option("FILE.png", "The picture: .png, .svg or .pdf.");
  output.initial = "density.png";
  return {.name = "density",
          .summary = "Draw a model's exact density",
          .examples = {"cnf density runs/8g -o density.png", "cnf density runs/8g --panels -o panels.png",
                       "cnf density runs/8g --range=-3,3,-3,3 --scale log --colormap magma -o zoom.png",
                       "cnf density runs/8g --contours 0.5,0.9,0.99 --points points.csv",
                       "cnf density runs/8g --grid density.npy --grid-size 256,256",
                       "cnf density runs/wine --columns alcohol,pH,density -o corner.png",
                       "cnf density runs/iris --slice petal_length=4,petal_width=1.3 --contours 0.5,0.9"},
          .positionals = {model_argument()},
          .options = joined(
              {{output,
                {.name = "grid",
                 .value = "FILE.npy",
                 .kind = Kind::path,
                 .help = "The density as numbers: float64 (ny, nx), in the data's units, row 0 = lowest y, at the "
                         "centres of the cells; of a model of one column rows of x and density. Without -o no picture "
                         "is drawn.",
                 .group = "Output"},
                force_option()},
               picture_options(),
               over_options(),
               {slice_option(), corner_columns_option()},
               {{.name = "panels",
                 .help = "Side by side: the data, the true density where it is known, the model's, its samples.",
                 .group = "Picture"},
                {.name = "samples",
                 .value = "N",
                 .kind = Kind::integer,
                 .range = Range::whole(1, 10'000'000),
                 .help = "Draw that many samples of the model over its density; of a corner picture, make it of that "
                         "many (not given: 50000).",
                 .group = "Picture"},
                {.name = "grid-size",
                 .value = "NX,NY",
                 .kind = Kind::integers,
                 .range = Range::whole(1, 16384),
                 .max_count = 2,
                 .help = "Cells to evaluate; of a model of one column NX. Not given: one a pixel.",
                 .group = "Picture"}},
               evaluation_options("1000"),  // of each of many cells; as a validation's
               {accuracy_option(), on_error_option("skip")},
               without(common_options(), {"json"})}),
          .prepare = prepare_density};
}

}  // namespace cnf
