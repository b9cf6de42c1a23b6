#include "datasets/table_kind.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/utf8.hpp"

namespace cnf {
namespace {

/// Endings, what such a file is, and a line that makes of it what is read; % is the file, @ its name without ending.
struct Foreign {
  std::string_view endings, what, cure;
};

constexpr Foreign kForeign[] = {
    {".jpg.jpeg.jpe.jp2.gif.webp.bmp.tif.tiff.svg.avif.heic.heif.ico.ppm.pbm.pnm.psd.eps.ps",
     "a picture, and pictures are read as PNG or PGM", "convert it: magick % @.png"},
    {".png.pgm", "a picture, which is a density to train on and no rows", "cnf evaluate takes it"},
    {".pdf", "a page, and pictures are read as PNG or PGM", "convert it: pdftoppm -png -singlefile % @"},
    {".parquet.pq", "a Parquet table", "import pandas; pandas.read_parquet('%').to_csv('@.csv', index=False)"},
    {".feather.arrow.ipc", "an Arrow table", "import pandas; pandas.read_feather('%').to_csv('@.csv', index=False)"},
    {".orc", "an ORC table", "import pandas; pandas.read_orc('%').to_csv('@.csv', index=False)"},
    {".xlsx.xls.xlsm.xlsb.ods.numbers", "a spreadsheet",
     "save the sheet as CSV, or: import pandas; pandas.read_excel('%').to_csv('@.csv', index=False)"},
    {".h5.hdf5.hdf.he5", "an HDF5 file", "import h5py, numpy; numpy.save('@.npy', h5py.File('%')['NAME'][:])"},
    {".nc.nc4.cdf.grib.grb.zarr", "a file of gridded data",
     "import xarray; xarray.open_dataset('%').to_dataframe().to_csv('@.csv')"},
    {".mat", "a MATLAB file",
     "in MATLAB: writematrix(NAME, '@.csv'); or scipy.io.loadmat('%')['NAME'] and numpy.save in Python"},
    {".rds", "an R object", "in R: write.csv(readRDS('%'), '@.csv', row.names = FALSE)"},
    {".rda.rdata", "an R workspace", "in R: load('%'); write.csv(NAME, '@.csv', row.names = FALSE)"},
    {".pkl.pickle.p.joblib", "a Python pickle, which is never loaded, since it can run programs",
     "import pandas; pandas.read_pickle('%').to_csv('@.csv', index=False)"},
    {".pt.pth.ckpt", "a PyTorch file", "import torch, numpy; numpy.save('@.npy', torch.load('%').numpy())"},
    {".safetensors", "a model, or tensors, where rows belong",
     "import numpy, safetensors.numpy as s; numpy.save('@.npy', s.load_file('%')['NAME'])"},
    {".json.jsonl.ndjson.geojson", "JSON",
     "import pandas; pandas.read_json('%').to_csv('@.csv', index=False), with lines=True if each line is a row"},
    {".yaml.yml.xml.html.htm.toml", "text that is no table", "save its rows as CSV: one row a line, a comma between"},
    {".sav.por.zsav", "an SPSS file", "import pandas; pandas.read_spss('%').to_csv('@.csv', index=False)"},
    {".dta", "a Stata file", "import pandas; pandas.read_stata('%').to_csv('@.csv', index=False)"},
    {".sas7bdat.xpt", "a SAS file", "import pandas; pandas.read_sas('%').to_csv('@.csv', index=False)"},
    {".fits.fit.fts", "a FITS file", "from astropy.table import Table; Table.read('%').write('@.csv')"},
    {".root", "a ROOT file",
     "import uproot; uproot.open('%')['NAME'].arrays(library='pd').to_csv('@.csv', index=False)"},
    {".db.sqlite.sqlite3", "a database", "sqlite3 -header -csv % 'select * from NAME' > @.csv"},
    {".arff", "an ARFF table", "its rows stand behind the line @data: save them as CSV"},
    {".dat.data.asc.tab.prn.out", "of a kind that its name does not tell", "if it is text, name it .csv or .txt"},
    {".bin.raw.f32.f64", "of numbers without a header",
     "import numpy; numpy.save('@.npy', numpy.fromfile('%', 'f8').reshape(-1, COLUMNS))"},
    {".zip", "an archive", "unpack it: unzip %"},
    {".tar.tgz", "an archive", "unpack it: tar xf %"},
    {".bz2", "packed", "unpack it: bunzip2 %"},
    {".xz.lzma", "packed", "unpack it: unxz %"},
    {".zst", "packed", "unpack it: unzstd %"},
    {".7z.rar", "an archive", "unpack it"},
    {".doc.docx.odt.rtf", "a text document", "save its table as CSV"},
};

std::string filled(std::string_view cure, const std::string& file, const std::string& stem) {
  std::string text;
  for (const char c : cure)
    if (c == '%')
      text += file;
    else if (c == '@')
      text += stem;
    else
      text += c;
  return text;
}

}  // namespace

TableKind table_kind(const std::filesystem::path& path) {
  std::filesystem::path inner = path.filename();
  const bool packed = lower(inner.extension().string()) == ".gz";
  if (packed) inner = inner.stem();
  const std::string ending = lower(inner.extension().string()), name = printable(path.string());
  if (ending == ".csv" || ending == ".txt") return TableKind::text;
  if (ending == ".tsv") return TableKind::tabs;
  if (ending == ".npy") return TableKind::npy;
  if (ending == ".npz" && !packed) return TableKind::npz;
  const auto has = [&](const Foreign& one) {
    for (std::size_t at = one.endings.find(ending); at != std::string_view::npos; at = one.endings.find(ending, at + 1))
      if (at + ending.size() == one.endings.size() || one.endings[at + ending.size()] == '.') return true;
    return false;
  };
  const auto found = std::find_if(std::begin(kForeign), std::end(kForeign), has);
  if (ending.size() > 1 && found != std::end(kForeign))
    throw InputError(name + ": is " + std::string(found->what),
                     filled(found->cure, printable(path.filename().string()), printable(inner.stem().string())));
  throw InputError(name + ": unknown kind of table, expected a name ending in .csv, .tsv, .txt, .npy or .npz" +
                   (packed ? " before the .gz" : ""));
}

}  // namespace cnf
