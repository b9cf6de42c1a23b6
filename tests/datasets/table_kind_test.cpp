#include "datasets/table_kind.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"

namespace cnf {

TEST_CASE("a table's kind is its ending, and what is not read is told how to be", "[datasets][kind]") {
  CHECK(table_kind("a.csv") == TableKind::text);
  CHECK(table_kind("b/a.b.TXT") == TableKind::text);
  CHECK(table_kind("a.csv.gz") == TableKind::text);
  CHECK(table_kind("a.tsv.GZ") == TableKind::tabs);
  CHECK(table_kind("a.npy") == TableKind::npy);
  CHECK(table_kind("a.npy.gz") == TableKind::npy);
  CHECK(table_kind("a.NPZ") == TableKind::npz);
  const auto said = [](const std::string& name) {
    try {
      table_kind(name);
    } catch (const InputError& error) {
      return std::string(error.what()) + "\n" + error.help();
    }
    return std::string("no error");
  };
  CHECK(said("b/cat.jpg") ==
        "b/cat.jpg: is a picture, and pictures are read as PNG or PGM\nconvert it: magick cat.jpg cat.png");
  CHECK(said("t.parquet") ==
        "t.parquet: is a Parquet table\n"
        "import pandas; pandas.read_parquet('t.parquet').to_csv('t.csv', index=False)");
  for (const char* ending :
       {"jpeg", "GIF",    "webp", "tiff",  "svg",     "bmp",    "xlsx",        "ods",     "h5",     "hdf",
        "hdf5", "mat",    "rds",  "RData", "feather", "arrow",  "pkl",         "p",       "json",   "jsonl",
        "nc",   "sav",    "dta",  "fits",  "root",    "sqlite", "zip",         "csv.zip", "csv.xz", "bz2",
        "zst",  "tar.gz", "tgz",  "dat",   "bin",     "pt",     "safetensors", "pdf",     "png",    "hdr.dat.gz"}) {
    CAPTURE(ending);
    const std::string text = said(std::string("name.") + ending);
    CHECK_THAT(text, Catch::StartsWith(std::string("name.") + ending + ": is "));
    CHECK(text.back() != '\n');
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  }
  for (const char* name : {"name", "name.", "name.cs", "name.gz", "name.h", "name.npz.gz", ".csv", "name.jp"}) {
    CAPTURE(name);
    CHECK_THAT(said(name), Catch::Contains("unknown kind of table, expected a name ending in"));
  }
}

}  // namespace cnf
