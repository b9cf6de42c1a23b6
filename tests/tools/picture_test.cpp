// The pictures of densities, from the command line to the file.
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>
#include <utility>

#include "base/file_writer.hpp"
#include "base/random.hpp"
#include "tests/tools/program.hpp"
#include "tools/verbs/flow/units.hpp"

using namespace cnf;

namespace {

std::string says(Shell& shell, const std::string& command, int code) {
  const Ran ran = shell(command);
  CAPTURE(command, ran.err);
  CHECK(ran.code == code);
  return ran.err;
}

std::string works(Shell& shell, const std::string& command) {
  const Ran ran = shell(command);
  CAPTURE(command, ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.err == "");
  return ran.out;
}

}  // namespace

TEST_CASE("columns have one unit if their names say so", "[verbs][picture]") {
  for (const auto& [a, b] : std::initializer_list<std::pair<const char*, const char*>>{{"lon", "lat"},
                                                                                       {"Latitude", "Longitude"},
                                                                                       {"lat_deg", "lon_deg"},
                                                                                       {"start_lng", "start_lat"},
                                                                                       {"x", "y"},
                                                                                       {"x_km", "y_km"},
                                                                                       {"X [mm]", "Z [mm]"},
                                                                                       {"width (cm)", "height (cm)"},
                                                                                       {"easting", "northing"}}) {
    CAPTURE(a, b);
    CHECK(same_unit(a, b));
    CHECK(same_unit(b, a));
  }
  for (const auto& [a, b] : std::initializer_list<std::pair<const char*, const char*>>{{"t", "temp"},
                                                                                       {"x", "x"},
                                                                                       {"x_km", "y_m"},
                                                                                       {"x [mm]", "y [s]"},
                                                                                       {"x (m)", "y"},
                                                                                       {"eruptions", "waiting"},
                                                                                       {"lat", "depth"},
                                                                                       {"mean_radius", "sd_radius"},
                                                                                       {"", ""}}) {
    CAPTURE(a, b);
    CHECK_FALSE(same_unit(a, b));
  }
}

TEST_CASE("the options of a picture say what they take, and lead from what they were", "[verbs][picture]") {
  Shell shell;
  CHECK(says(shell, "cnf data moons --density --scale 2 -o a.png", 2) ==
        "cnf data: --scale: '2' is not known, expected one of auto, linear, sqrt, log, mass\n"
        "help: did you mean --magnify 2?\n");
  CHECK(says(shell, "cnf data moons --density --aspect square -o a.png", 2).find("equal, auto or a number above 0") !=
        std::string::npos);
  CHECK(says(shell, "cnf data moons --density --aspect 0 -o a.png", 2).find("--aspect") != std::string::npos);
  CHECK(says(shell, "cnf data moons --density --log --scale mass -o a.png", 2).find("--log is --scale log") !=
        std::string::npos);
  CHECK(says(shell, "cnf data moons --density -o a.jpeg", 2).find("does not end in .png, .svg or .pdf") !=
        std::string::npos);
  works(shell, "cnf data moons --density --size 200 --log -o log.png");
  works(shell, "cnf data moons --density --size 200 --scale log -o scale.png");
  CHECK(contents(shell / "log.png") == contents(shell / "scale.png"));
  works(shell, "cnf data moons --density --size 200 --scale mass -o MASS.PNG");
  CHECK(contents(shell / "MASS.PNG") != contents(shell / "scale.png"));
  works(shell, "cnf data moons --density --size 200 -o a.svg && cnf data moons --density --size 200 -o b.svg");
  CHECK(contents(shell / "a.svg").starts_with("<?xml"));
  CHECK(contents(shell / "a.svg") == contents(shell / "b.svg"));
  works(shell, "cnf data moons --density --size 200 -o a.pdf && cnf data moons --density --size 200 -o b.PDF");
  CHECK(contents(shell / "a.pdf").starts_with("%PDF-1.4"));
  CHECK(contents(shell / "a.pdf") == contents(shell / "b.PDF"));
}

TEST_CASE("a model of a far and narrow column is drawn where its data lie", "[verbs][picture]") {
  Shell shell;
  constexpr Index n = 400;
  std::string table = "t,temp\n";
  for (Index b = 0; b < n; ++b) {
    const auto draw = [&](std::uint32_t k) { return normal({3}, Purpose::data, 0, static_cast<std::uint64_t>(b), k); };
    char line[64];
    std::snprintf(line, sizeof line, "%.6f,%.6f\n", 1.7e9 + 60 * draw(0), 20 + 0.3 * draw(1));
    table += line;
  }
  FileWriter file(shell / "t.csv");
  file.write(table);
  file.finish();
  CHECK(shell("cnf train --data t.csv --hidden 16,16 --steps 40 --seed 3 --quiet -o run").code == 0);
  works(shell, "cnf density run --size 500 -o t.svg");
  const std::string svg = contents(shell / "t.svg");
  CHECK(svg.find("+1.") != std::string::npos);
  CHECK(svg.find("\u00d710\u2079)</text>") != std::string::npos);
  CHECK(svg.find(">t (") != std::string::npos);
}

TEST_CASE("one percent of outliers does not shrink the rest, whatever the model makes of them", "[verbs][picture]") {
  Shell shell;
  std::string table = "a,b\n";
  for (Index b = 0; b < 800; ++b) {
    const double far = b % 100 != 0 ? 0 : b % 200 == 0 ? 500 : -500;
    const auto draw = [&](std::uint32_t k) { return normal({4}, Purpose::data, 0, static_cast<std::uint64_t>(b), k); };
    table += std::to_string(far + draw(0)) + "," + std::to_string(far + draw(1)) + "\n";
  }
  FileWriter file(shell / "o.csv");
  file.write(table);
  file.finish();
  CHECK(shell("cnf train --data o.csv --hidden 16,16 --steps 30 --seed 3 --quiet -o run").code == 0);
  works(shell, "cnf density run --size 500 -o o.svg");
  const std::string svg = contents(shell / "o.svg");
  CHECK(svg.find(">\u22122</text>") != std::string::npos);
  CHECK(svg.find(">2</text>") != std::string::npos);
  for (const std::string far : {"20", "50", "100", "200", "400", "500"})
    CHECK(svg.find(">" + far + "</text>") == std::string::npos);
}
