#include "base/npy.hpp"

#include <sys/stat.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "tests/base/temporary_folder.hpp"

namespace cnf {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

NpyArray parse(const std::string& bytes) { return parse_npy(bytes_of(bytes), "a.npy"); }
std::string refusal(const std::string& bytes) {
  return message_of<InputError>([&] { parse(bytes); });
}

std::string file_of(const std::string& dict, const std::string& data, int version = 1) {
  std::string out = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>(dict.size() >> (8 * i));
  return out + dict + data;
}

std::string dict_of(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape +
         ", }\n";
}

/// The values' bytes as type T, least or most significant first.
template <class T>
std::string raw(const std::vector<T>& values, bool big_endian = false) {
  std::string out;
  for (const T value : values) {
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    if (big_endian) std::reverse(bytes, bytes + sizeof(T));
    out.append(bytes, sizeof(T));
  }
  return out;
}

template <class T>
void check_type(const std::string& type) {
  const std::vector<T> values{std::numeric_limits<T>::lowest(), T(0), T(1), T(77), std::numeric_limits<T>::max()};
  const std::vector<double> expected(values.begin(), values.end());
  for (const bool big_endian : {false, true}) {
    CAPTURE(type, big_endian);
    const NpyArray array = parse(file_of(dict_of((big_endian ? ">" : "<") + type, "(5,)"), raw(values, big_endian)));
    CHECK(array.shape == std::vector<std::int64_t>{5});
    CHECK(array.values == expected);
  }
}

}  // namespace

TEST_CASE("every numeric type is read in both byte orders", "[base][npy]") {
  check_type<float>("f4");
  check_type<double>("f8");
  check_type<std::int8_t>("i1");
  check_type<std::int16_t>("i2");
  check_type<std::int32_t>("i4");
  check_type<std::int64_t>("i8");
  check_type<std::uint8_t>("u1");
  check_type<std::uint16_t>("u2");
  check_type<std::uint32_t>("u4");
  check_type<std::uint64_t>("u8");
  CHECK(parse(file_of(dict_of("|i1", "(1,)"), "\xff")).values == std::vector<double>{-1});
  CHECK(std::isnan(parse(file_of(dict_of("<f4", "(1,)"), raw<float>({NAN}))).values[0]));
}

TEST_CASE("halves and truths are read as the numbers they are", "[base][npy]") {
  // Of all 2^16 halves, by their value as IEEE 754 defines it.
  std::vector<std::uint16_t> bits(65536);
  std::iota(bits.begin(), bits.end(), std::uint16_t{0});
  for (const bool big_endian : {false, true}) {
    const NpyArray array = parse(file_of(dict_of(big_endian ? ">f2" : "<f2", "(65536,)"), raw(bits, big_endian)));
    int wrong = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) {
      const int exponent = static_cast<int>(i >> 10 & 31), fraction = static_cast<int>(i & 1023);
      const double size = exponent == 31  ? fraction == 0 ? INFINITY : NAN
                          : exponent == 0 ? fraction * std::pow(2.0, -24)
                                          : (1 + fraction / 1024.0) * std::pow(2.0, exponent - 15);
      const double expected = std::copysign(size, i < 32768 ? 1.0 : -1.0), got = array.values[i];
      wrong += std::isnan(expected) ? !std::isnan(got) : got != expected || std::signbit(got) != std::signbit(expected);
    }
    CHECK(wrong == 0);
  }
  CHECK(parse(file_of(dict_of("|b1", "(2, 2)"), std::string("\0\1\1\0", 4))).values == std::vector<double>{0, 1, 1, 0});
  CHECK(parse(file_of(dict_of("|b1", "(2, 2)", true), std::string("\0\1\1\1", 4))).values ==
        std::vector<double>{0, 1, 1, 1});
  CHECK(NpyReader(ByteSource(bytes_of(file_of(dict_of("<f2", "(1,)"), raw<std::uint16_t>({0}))), "a")).float_bytes() ==
        2);
}

TEST_CASE("an array of records is a column a field", "[base][npy]") {
  const auto file = [](const std::string& descr, const std::string& data, const std::string& shape = "(2,)",
                       int version = 1) {
    return file_of("{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + "}", data, version);
  };
  const auto check = [](const std::string& bytes, const std::vector<std::string>& names,
                        const std::vector<double>& values) {
    NpyReader reader(ByteSource(bytes_of(bytes), "a"));
    CHECK(reader.names() == names);
    CHECK(reader.cols() == std::ssize(names));
    std::vector<double> row(names.size()), rows;
    while (reader.read_rows(row) > 0) rows.insert(rows.end(), row.begin(), row.end());
    CHECK(rows == values);
    const NpyArray whole = parse(bytes);
    CHECK(whole.values == values);
    CHECK(whole.shape == std::vector<std::int64_t>{reader.rows(), reader.cols()});
  };
  check(file("[('lon', '<f8'), ('lat', '<f8')]", raw<double>({1, 2, 3, 4})), {"lon", "lat"}, {1, 2, 3, 4});
  // Padding, titles, byte orders and types of their own, as NumPy's align=True and titles write them.
  const std::string mixed = "[(('a title', 'b'), '|b1'), ('', '|V3'), ('i', '>i4'), (\"it's\", '<f2')]";
  const auto one = [](char truth, std::int32_t i, std::uint16_t half) {
    return std::string(1, truth) + "???" + raw<std::int32_t>({i}, true) + raw<std::uint16_t>({half});
  };
  check(file(mixed, one(1, -7, 0x3c00) + one(0, 1 << 30, 0xc000)), {"b", "i", "it's"}, {1, -7, 1, 0, 1 << 30, -2});
  // Records in records, arrays in records, one record of an array of one axis more, no name.
  check(file("[('p', [('x', '|i1'), ('q', '|i1', (2,))]), ('m', '|i1', (2, 2)), ('n', '|i1', 1), ('', '|u1')]",
             "\1\2\3\4\5\6\7\x8\x9"
             "abcdefghi"),
        {"p.x", "p.q1", "p.q2", "m1", "m2", "m3", "m4", "n1", "f3"},
        {1, 2, 3, 4, 5, 6, 7, 8, 9, 97, 98, 99, 100, 101, 102, 103, 104, 105});
  check(file("[('p', [('x', '|i1'), ('y', '|i1')], (2,))]", "abcd", "(1,)"), {"p1.x", "p1.y", "p2.x", "p2.y"},
        {97, 98, 99, 100});
  check(file("[('x', '|i1')]", "a", "()"), {"x"}, {97});
  check(file("[('x', '|i1')]", "ab", "(2, 1)"), {"x"}, {97, 98});
  check(file("[('x', '|i1')]", "", "(0,)"), {"x"}, {});
  // Names in the header's own coding, and Python's escapes.
  check(file("[('\xe9', '|i1')]", "ab"), {"\xc3\xa9"}, {97, 98});
  check(file("[('\xc3\xa9', '|i1')]", "ab", "(2,)", 3), {"\xc3\xa9"}, {97, 98});
  check(file("[('a\\'\\\\\\xe9\\u00e9\\n', '|i1')]", "ab"), {"a'\\\xc3\xa9\xc3\xa9\\n"}, {97, 98});
  // More rows than one piece holds.
  std::vector<double> many(30000);
  std::iota(many.begin(), many.end(), 0.0);
  check(file("[('x', '<f8'), ('y', '<f8')]", raw(many), "(15000,)"), {"x", "y"}, many);
  // Fields that are no numbers are there, and said to be none.
  const std::string text = file("[('x', '|i1'), ('kind', '<U1'), ('when', '<M8[D]')]", "a....12345678b....12345678");
  NpyReader reader(ByteSource(bytes_of(text), "a"));
  std::vector<double> row(6);
  CHECK(reader.read_rows(row) == 2);
  CHECK((row[0] == 97 && row[3] == 98 && std::isnan(row[1]) && std::isnan(row[5])));
  CHECK(reader.trouble(0).empty());
  CHECK(reader.trouble(1) == "'<U1' holds text; only numbers are read");
  CHECK(refusal(text) == "a.npy: field 'kind': '<U1' holds text; only numbers are read");
}

TEST_CASE("versions, key orders, quotes and spaces that NumPy takes are taken", "[base][npy]") {
  const std::string data = raw<double>({1, 2, 3, 4, 5, 6});
  for (const int version : {1, 2, 3}) CHECK(parse(file_of(dict_of("<f8", "(2, 3)"), data, version)).shape[1] == 3);
  for (const std::string dict : {"{\"shape\":(2,3),\"descr\":\"<f8\",\"fortran_order\":False}",
                                 "{ 'shape' : ( 2 , 3 , ) , 'fortran_order' : False , 'descr' : '<f8' } \n",
                                 "{'descr': '=f8', 'fortran_order': False, 'shape': (2L, 3L)}"})
    CHECK(parse(file_of(dict, data)).shape == std::vector<std::int64_t>{2, 3});
  const NpyArray scalar = parse(file_of(dict_of("<f8", "()"), raw<double>({7})));
  CHECK(scalar.shape.empty());
  CHECK(scalar.values == std::vector<double>{7});
  CHECK(parse(file_of(dict_of("<f8", "(0, 3)"), "")).values.empty());
  CHECK(parse(file_of(dict_of("<f8", "(3, 0)"), "")).values.empty());
}

TEST_CASE("what is written is what NumPy writes, and reloads bit for bit", "[base][npy]") {
  const std::vector<double> values{1, -0.0, 1e-300, NAN, INFINITY, 6};
  const std::string bytes = npy_bytes(3, 2, values, NpyDtype::f8);
  // numpy.save of a float64 array of shape (3, 2) begins with these 128 bytes (numpy 1.24 and 2).
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }";
  header += std::string(117 - header.size(), ' ') + "\n";
  CHECK(bytes == std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + raw(values));
  const NpyArray again = parse(bytes);
  CHECK(again.shape == std::vector<std::int64_t>{3, 2});
  CHECK(std::memcmp(again.values.data(), values.data(), 48) == 0);

  const std::string line = npy_bytes(6, 1, values, NpyDtype::f4, true);
  CHECK(line.find("'<f4', 'fortran_order': False, 'shape': (6,), }") != std::string::npos);
  CHECK((line.size() - 24) % 64 == 0);
  CHECK(line.substr(line.size() - 24) == raw(std::vector<float>{1, -0.0F, 0, NAN, INFINITY, 6}));
  CHECK(parse(npy_bytes(0, 2, {}, NpyDtype::f4)).shape == std::vector<std::int64_t>{0, 2});
  for (Index rows = 1; rows < 2'000'000'000'000; rows *= 7) {
    NpyWriter writer("/dev/null", rows, 3, NpyDtype::f4);  // headers of every length
    CHECK_THROWS_AS(writer.finish(), std::invalid_argument);
  }
}

TEST_CASE("rows come in any chunks, from files, memory and pipes alike", "[base][npy]") {
  const Index rows = 20011, cols = 3;
  std::vector<double> values(rows * cols);
  std::iota(values.begin(), values.end(), -7.0);
  std::vector<double> by_columns;
  for (Index j = 0; j < cols; ++j)
    for (Index i = 0; i < rows; ++i) by_columns.push_back(values[i * cols + j]);
  const TemporaryFolder folder;
  put(folder / "c.npy", file_of(dict_of("<f8", "(20011, 3)"), raw(values)));
  put(folder / "f.npy", file_of(dict_of(">f8", "(20011, 3)", true), raw(by_columns, true)));
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto read_in = [&](NpyReader reader, std::size_t chunk) {
    CHECK(reader.rows() == rows);
    CHECK(reader.cols() == cols);
    std::vector<double> all, out(chunk);
    while (const Index n = reader.read_rows(out)) all.insert(all.end(), out.begin(), out.begin() + n * cols);
    CHECK(reader.read_rows(out) == 0);
    return all == values;
  };
  for (const std::string name : {"c.npy", "f.npy"}) {
    for (const std::size_t chunk : {3, 5, 64 * 3, 1000000}) {
      CAPTURE(name, chunk);
      CHECK(read_in(NpyReader(folder / name), chunk));
      std::thread sender([&] { put(folder / "pipe", contents(folder / name)); });
      CHECK(read_in(NpyReader(folder / "pipe"), chunk));
      sender.join();
    }
    CHECK(read_npy(folder / name).values == values);
    CHECK(parse(contents(folder / name)).values == values);
  }
  NpyReader reader(folder / "c.npy");
  std::vector<double> small(2);
  CHECK_THROWS_AS(reader.read_rows(small), std::invalid_argument);
}

TEST_CASE("further axes count as columns in both orders", "[base][npy]") {
  // element (i, j, k, l) = 1000 i + 100 j + 10 k + l in shape (2, 3, 4, 5)
  std::vector<double> c_order, f_order;
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 4; ++k)
        for (int l = 0; l < 5; ++l) c_order.push_back(1000 * i + 100 * j + 10 * k + l);
  for (int l = 0; l < 5; ++l)
    for (int k = 0; k < 4; ++k)
      for (int j = 0; j < 3; ++j)
        for (int i = 0; i < 2; ++i) f_order.push_back(1000 * i + 100 * j + 10 * k + l);
  const std::string in_c = file_of(dict_of("<f8", "(2, 3, 4, 5)"), raw(c_order));
  CHECK(parse(in_c).values == c_order);
  CHECK(parse(file_of(dict_of("<f8", "(2, 3, 4, 5)", true), raw(f_order))).values == c_order);
  CHECK(NpyReader(ByteSource(bytes_of(in_c), "a")).cols() == 60);
  CHECK(parse(file_of(dict_of("<f8", "(1, 3)", true), raw<double>({1, 2, 3}))).values == std::vector<double>{1, 2, 3});
}

TEST_CASE("an array written in pieces is whole or absent", "[base][npy]") {
  const TemporaryFolder folder;
  std::vector<double> values(300000 * 2);
  std::iota(values.begin(), values.end(), 0.0);
  {
    NpyWriter writer(folder / "a.npy", 300000, 2, NpyDtype::f8);
    writer.write(std::span(values).first(1));
    writer.write(std::span(values).subspan(1));
    CHECK_THROWS_AS(writer.write(std::span(values).first(1)), std::invalid_argument);
    CHECK(!std::filesystem::exists(folder / "a.npy"));
    writer.finish();
  }
  CHECK(contents(folder / "a.npy") == npy_bytes(300000, 2, values, NpyDtype::f8));
  {
    NpyWriter writer(folder / "b.npy", 3, 1, NpyDtype::f4, true);
    writer.write(std::span(values).first(2));
    CHECK(message_of<std::invalid_argument>([&] { writer.finish(); }) == "NpyWriter::finish: 1 values are missing");
  }
  CHECK(folder.names() == std::vector<std::string>{"a.npy"});
  CHECK(message_of<OutputError>([&] {
          NpyWriter("/dev/full", 1000, 300, NpyDtype::f8);
        }).find("no space left: needed 2.4 MB") != std::string::npos);
  CHECK_THROWS_AS(npy_bytes(2, 2, std::span(values).first(3), NpyDtype::f8), std::invalid_argument);
  CHECK_THROWS_AS(npy_bytes(1, 2, std::span(values).first(2), NpyDtype::f8, true), std::invalid_argument);
  CHECK_THROWS_AS(NpyWriter(folder / "c", Index{1} << 40, Index{1} << 40, NpyDtype::f8), std::invalid_argument);
  CHECK_THROWS_AS(NpyWriter(folder / "c", -1, 1, NpyDtype::f8), std::invalid_argument);
}

TEST_CASE("hostile arrays are refused with file, field and byte", "[base][npy]") {
  const std::string four = raw<double>({1, 2, 3, 4});
  const auto with = [&](const std::string& dict) { return file_of(dict, four); };
  const auto descr = [&](const std::string& text) { return with(dict_of(text, "(4,)")); };
  const auto shape = [&](const std::string& text) { return with(dict_of("<f8", text)); };
  const auto records = [&](const std::string& text) {
    return with("{'descr': " + text + ", 'fortran_order': False, 'shape': (4,)}");
  };
  struct Case {
    std::string bytes, part;
  };
  const std::vector<Case> cases{
      {"", "truncated: the magic string"},
      {"\x93NUM", "truncated: the magic string"},
      {"PK\3\4 something else", "no .npy file"},
      {file_of(dict_of("<f8", "(4,)"), four, 0), "version: 0.0"},
      {file_of(dict_of("<f8", "(4,)"), four, 4), "version: 4.0"},
      {std::string("\x93NUMPY\x01\x00\x10", 9), "truncated: the header's length"},
      {std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12), "header: 4294967295 bytes"},
      {std::string("\x93NUMPY\x02\x00\x01\x00\x01\x00", 12) + std::string(70000, ' '), "header: 65537 bytes"},
      {std::string("\x93NUMPY\x01\x00\xff\xff", 10) + "{'descr'", "truncated: the header at byte 10"},
      {with(""), "header: found its end where {"},
      {with("[]"), "header: found [ where {"},
      {with("{}"), "is missing"},
      {with("{'descr': '<f8', 'shape': (4,)}"), "is missing"},
      {with("{'fortran_order': False, 'shape': (4,)}"), "is missing"},
      {with("{'descr': '<f8', 'fortran_order': False}"), "is missing"},
      {with("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (4,)}"), "duplicate field 'descr'"},
      {with("{'descr': '<f8', 'fortran_order': False, 'shape': (4,), 'x': 1}"), "unknown field 'x'"},
      {with("{'descr': '<f8', 'fortran_order': 0, 'shape': (4,)}"), "fortran_order: neither"},
      {with("{'descr': <f8, 'fortran_order': False, 'shape': (4,)}"), "a quoted name belongs here"},
      {with("{'descr': '<f8"), "a string does not end"},
      {with(dict_of("<f8", "(4,)") + "x"), "only space may follow"},
      {with(dict_of("<f8", "(4,)") + std::string(1, '\0')), "only space may follow"},
      {descr("|O"), "holds Python objects"},
      {descr("O"), "holds Python objects"},
      {records("[]"), "descr: the records hold nothing"},
      {records("[('', '|V8')]"), "descr: the records hold nothing"},
      {records("[('x', '<f8', (0,))]"), "descr: the records hold nothing"},
      {records("[('x', '|O')]"), "holds Python objects"},
      {records("[('x', '<f8'"), "an integer belongs here"},
      {records("[('x')]"), "found ) where ,"},
      {records("['x', '<f8']"), "found ' where ("},
      {records("[('x', '<f8', (2,), 3)]"), "found 3 where )"},
      {records("[('x', '<f8', (-1,))]"), "shape: a size is negative"},
      {records("[('x', '<f8', (4294967296, 4294967296))]"), "shape: the product"},
      {records("[('x', '<f8', 9223372036854775807)]"), "a record of more than 256 MiB"},
      {records("[('x', '|V300000000')]"), "not among"},
      {records("[('x', 'f8')]"), "not among"},
      {records("[('x', '|b1', (131073,))]"), "a record of more than 131072 numbers"},
      {records("[('x', [('y', '|b1', (400,))], (400,))]"), "a record of more than 131072 numbers"},
      {records([] {
         std::string nested = "'<f8'";
         for (int i = 0; i < 20; ++i) nested = "[('x', " + nested + ")]";
         return nested;
       }()),
       "records nested deeper"},
      {records("[('x', '<f8'), ('y', '<f8')]"), "truncated: the shape takes 64 bytes"},
      {records("[('x', '<f4')]"), "bytes left over"},
      {with("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (2, 2)}"), "records of more than one axis"},
      {records("[('\\ud800', '<f8')]"), "an escape that is no character"},
      {records("[('\\x4', '<f8')]"), "an escape that is no character"},
      {descr("<c16"), "is complex"},
      {descr("<c8"), "is complex"},
      {descr("<c32"), "is complex"},
      {descr("<f16"), "is a long double"},
      {descr("<f12"), "is a long double"},
      {descr("<f10"), "is a long double"},
      {descr("<f3"), "not among"},
      {descr("<f1"), "not among"},
      {descr("<i3"), "not among"},
      {descr("<i16"), "not among"},
      {descr("|b2"), "not among"},
      {descr("|S8"), "holds text"},
      {descr("<U2"), "holds text"},
      {descr("|V8"), "holds raw bytes"},
      {descr("<M8[ns]"), "holds dates"},
      {descr("<m8[25s]"), "holds spans of time"},
      {descr("<M8[ns"), "not among"},
      {descr("<f8[ns]"), "not among"},
      {descr("<e2"), "not among"},
      {descr("<f99999999999999999999"), "not among"},
      {descr("f8"), "not among"},
      {descr("|f8"), "names no byte order"},
      {descr(""), "not among"},
      {descr("<"), "not among"},
      {descr("<f8\n"), "not among"},
      {shape("4"), "header: found 4 where ("},
      {shape("[4]"), "header: found [ where ("},
      {shape("(4"), "shape: an integer"},
      {shape("(4 4)"), "header: found 4 where )"},
      {shape("(-4,)"), "shape: a size is negative (-4)"},
      {shape("(4.0,)"), "header: found . where )"},
      {shape("(x,)"), "shape: an integer"},
      {shape("(,)"), "shape: an integer"},
      {shape("(9223372036854775808,)"), "shape: a size overflows"},
      {shape("(9223372036854775807,)"), "shape: the product"},
      {shape("(4294967296, 4294967296)"), "shape: the product"},
      {shape("(2305843009213693953, 8)"), "shape: the product"},
      {shape("(0, 4294967296, 4294967296)"), "shape: the product"},
      {shape("(" +
             [] {
               std::string ones;
               for (int i = 0; i < 33; ++i) ones += "1,";
               return ones;
             }() +
             ")"),
       "shape: more than 32"},
      {shape("(5,)"), "truncated: the shape takes 40 bytes, the file ends at byte "},
      {shape("(1000000000000,)"), "truncated: the shape takes 8000000000000 bytes"},
      {shape("(3,)"), "bytes left over after the array at byte "},
      {shape("(0,)"), "bytes left over"},
  };
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // the reader hangs up on the sender
  for (const Case& one : cases) {
    const std::string message = refusal(one.bytes);
    CAPTURE(one.part, message);
    CHECK(message.find("a.npy: ") == 0);
    CHECK(message.find(one.part) != std::string::npos);
    CHECK(message.find(" at byte ") != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
    // From a pipe, whose length nobody knows, each is refused as well.
    std::thread sender([&] { put(folder / "pipe", one.bytes); });
    CHECK(!message_of<InputError>([&] { read_npy(folder / "pipe"); }).empty());
    sender.join();
  }
  std::signal(SIGPIPE, before);
  CHECK(refusal(descr("|O")) ==
        "a.npy: descr: '|O' holds Python objects, which are never loaded at byte " + std::to_string(10 + 10));
  CHECK(message_of<InputError>([] { read_npy("/no/such.npy"); }) ==
        "/no/such.npy: cannot open: No such file or directory");
}

TEST_CASE("an array cut short anywhere is refused", "[base][npy]") {
  const std::string bytes = npy_bytes(3, 2, std::vector<double>{1, 2, 3, 4, 5, 6}, NpyDtype::f4);
  int accepted = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) accepted += refusal(bytes.substr(0, n)).empty();
  CHECK(accepted == 0);
  CHECK(refusal(bytes).empty());
}

}  // namespace cnf
