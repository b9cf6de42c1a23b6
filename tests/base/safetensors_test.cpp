#include "base/safetensors.hpp"

#include <sys/resource.h>

#include <cmath>
#include <ctime>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/file_writer.hpp"
#include "base/npy.hpp"
#include "tests/base/temporary_folder.hpp"

namespace cnf {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

Safetensors parse(const std::string& bytes, Digests digests = Digests::required) {
  return parse_safetensors(bytes_of(bytes), "m.safetensors", digests);
}

std::string refusal(const std::string& bytes, Digests digests = Digests::required) {
  return message_of<InputError>([&] { parse(bytes, digests); });
}

std::string little_endian(std::uint64_t n) {
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(n >> (8 * i));
  return out;
}

/// A file as another program would write it.
std::string file_of(const std::string& header, std::size_t data = 0) {
  return little_endian(header.size()) + header + std::string(data, '\1');
}

/// A few tensors of every kind of shape and some awkward metadata.
Safetensors example() {
  Safetensors file;
  file.metadata = {
      {"format", "cnf"}, {"recipe", "{\"a\": [1]}\n\x01\\ \xc3\xa9"}, {"empty", ""}, {"about", std::string(600, 'a')}};
  file.tensors = {make_tensor<float>("w1", {2, 3}, std::vector<float>{1, -2, 3.5F, 0, 1e-30F, 7}),
                  make_tensor<double>("mean \xc3\xa9\"\\", {2}, std::vector<double>{0.1, -1e300}),
                  make_tensor<std::int64_t>("step", {}, std::vector<std::int64_t>{-5}),
                  make_tensor<std::uint8_t>("bytes", {3}, std::vector<std::uint8_t>{1, 2, 255}),
                  make_tensor<float>("none", {4, 0}, std::vector<float>{})};
  return file;
}

struct Hostile {
  std::string what, bytes;
};

std::vector<Hostile> hostile_files() {
  constexpr std::uint64_t kBig = std::numeric_limits<std::int64_t>::max();
  const std::string ok = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  std::vector<Hostile> files;
  const auto add = [&](const std::string& what, const std::string& bytes) { files.push_back({what, bytes}); };
  const auto header = [&](const std::string& what, const std::string& text, std::size_t data = 8) {
    add(what, file_of(text, data));
  };
  const auto tensor = [&](const std::string& what, const std::string& body, std::size_t data = 8) {
    header(what, "{\"w\":{" + body + "}}", data);
  };
  const auto shape = [&](const std::string& what, const std::string& text) {
    tensor(what, R"("dtype":"F32","data_offsets":[0,8],"shape":)" + text);
  };
  const auto offsets = [&](const std::string& what, const std::string& text, std::size_t data = 8) {
    tensor(what, R"("dtype":"F32","shape":[2],"data_offsets":)" + text, data);
  };
  const auto key = [&](const std::string& what, const std::string& text) {
    header(what, "{\"" + text + R"(":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})");
  };
  const auto two = [&](const std::string& what, const std::string& a, const std::string& b, std::size_t data) {
    header(what,
           R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
               R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}",
           data);
  };

  add("no bytes", "");
  add("seven bytes", std::string(7, '\0'));
  add("only a length", little_endian(2));
  add("length 0", little_endian(0));
  add("length 2^63 - 1", little_endian(kBig) + ok);
  add("length 2^64 - 1", little_endian(~std::uint64_t{0}) + ok);
  add("length above the file", little_endian(ok.size() + 100) + ok);
  add("length above the cap", little_endian((1 << 20) + 1) + std::string((1 << 20) + 1, ' '));
  add("length cuts the header", little_endian(ok.size() - 1) + ok);
  add("length takes in data", little_endian(ok.size() + 1) + ok + std::string(8, '\1'));
  header("space first", " " + ok);
  header("an array", "[]", 0);
  header("a number", "1", 0);
  header("no end", "{", 0);
  header("only spaces", "    ", 0);
  header("text after the end", ok + "x");
  header("newline after the end", ok + "\n");
  header("zero after the end", ok + std::string(1, '\0'));
  header("a second object", ok + ok);
  header("byte order mark", "\xef\xbb\xbf" + ok);
  header("comma before the end", R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},})");
  header("comment", "{/**/}", 0);
  header("key without quotes", "{w:1}", 0);
  header("single quotes", "{'w':{}}", 0);
  header("value a number", R"({"w":1})", 0);
  header("value null", R"({"w":null})", 0);
  header("value an array", R"({"w":[]})", 0);
  header(
      "duplicate tensor",
      R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})");
  header("duplicate by escape",
         R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
         R"("\u0077":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})",
         16);
  header("duplicate metadata", R"({"__metadata__":{"a":"1","a":"2"}})", 0);
  header("metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0);
  header("metadata a string", R"({"__metadata__":"a"})", 0);
  header("metadata of numbers", R"({"__metadata__":{"a":1}})", 0);
  header("nested metadata", R"({"__metadata__":{"a":{"b":"c"}}})", 0);
  header("depth 100000 of arrays", "{\"w\":" + std::string(100000, '[') + "}", 0);
  std::string deep = "{";
  for (int i = 0; i < 100000; ++i) deep += "\"a\":{";
  header("depth 100000 of objects", deep, 0);
  header("200000 empty arrays", [] {
    std::string text = "{\"w\":{\"shape\":[";
    for (int i = 0; i < 200000; ++i) text += "[],";
    return text + "1]}}";
  }());
  header(
      "400000 dimensions",
      [] {
        std::string text = R"({"w":{"dtype":"U8","data_offsets":[0,1],"shape":[1)";
        for (int i = 0; i < 400000; ++i) text += ",1";
        return text + "]}}";
      }(),
      1);
  header(
      "ten thousand tensors at one place",
      [] {
        std::string text;
        for (int i = 0; i < 10000; ++i)
          text +=
              (i == 0 ? "{\"t" : ",\"t") + std::to_string(i) + R"(":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
        return text + "}";
      }(),
      4);
  add("a million tensors", [] {
    std::string text;
    for (int i = 0; i < 1000000; ++i)
      text += (i == 0 ? "{\"t" : ",\"t") + std::to_string(i) + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
    return file_of(text + "}");
  }());
  tensor("no fields", "", 0);
  tensor("no dtype", R"("shape":[2],"data_offsets":[0,8])");
  tensor("no shape", R"("dtype":"F32","data_offsets":[0,8])");
  tensor("no offsets", R"("dtype":"F32","shape":[2])");
  tensor("unknown field", R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1)");
  tensor("duplicate dtype", R"("dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8])");
  tensor("duplicate shape", R"("dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8])");
  tensor("unknown dtype", R"("dtype":"F31","shape":[2],"data_offsets":[0,8])");
  tensor("dtype in lower case", R"("dtype":"f32","shape":[2],"data_offsets":[0,8])");
  tensor("dtype a number", R"("dtype":32,"shape":[2],"data_offsets":[0,8])");
  tensor("dtype empty", R"("dtype":"","shape":[2],"data_offsets":[0,8])");
  shape("shape a number", "2");
  shape("shape negative", "[-2]");
  shape("shape minus zero", "[-0]");
  shape("shape fractional", "[2.0]");
  shape("shape with an exponent", "[2e0]");
  shape("shape a leading zero", "[02]");
  shape("shape a string", "[\"2\"]");
  shape("shape nested", "[[2]]");
  shape("shape ends in a comma", "[2,]");
  shape("shape too small", "[1]");
  shape("shape too large", "[3]");
  shape("shape 2^63", "[9223372036854775808]");
  shape("shape 2^64 + 2", "[18446744073709551618]");
  shape("product 2^64 + small", "[4294967296,4294967296]");
  shape("product wraps to 2", "[9223372036854775807,2]");
  shape("thirty-three dimensions", "[2" + std::string(64, ' ').replace(0, 64, [] {
    std::string ones;
    for (int i = 0; i < 32; ++i) ones += ",1";
    return ones;
  }()) + "]");
  offsets("offsets a number", "8");
  offsets("one offset", "[8]");
  offsets("three offsets", "[0,8,8]");
  offsets("offsets backwards", "[8,0]");
  offsets("offset negative", "[-8,0]");
  offsets("offset 2^63 - 1", "[9223372036854775799,9223372036854775807]");
  offsets("offset 2^64", "[0,18446744073709551616]");
  offsets("above the file", "[0,8]", 7);
  offsets("bytes left over", "[0,8]", 9);
  offsets("hole at the beginning", "[1,9]", 9);
  two("overlap", "[0,4]", "[3,7]", 7);
  two("same place", "[0,4]", "[0,4]", 4);
  two("hole", "[0,4]", "[5,9]", 9);
  header("data that no tensor has", "{}", 1);
  key("empty name", "");
  key("zero in a name", std::string("a\0b", 3));
  key("escaped zero in a name", "a\\u0000b");
  key("newline in a name", "a\nb");
  key("escaped newline in a name", "a\\nb");
  key("delete character in a name", "a\x7f");
  key("C1 control in a name", "a\xc2\x85");
  key("invalid UTF-8", "a\xff");
  key("overlong UTF-8", "\xc0\xaf");
  key("UTF-8 surrogate", "\xed\xa0\x80");
  key("cut UTF-8", "\xe2\x82");
  key("half an escaped pair", "\\ud800");
  key("second half alone", "\\udc00");
  key("pair of two first halves", "\\ud800\\ud800");
  key("unknown escape", "\\x41");
  key("short escape", "\\u12");
  key("escape with a sign", "\\u+123");
  key("escape at the end", "\\");
  header("string without end", "{\"abc", 0);
  header("checksum for no tensor", R"({"__metadata__":{"cnf.digest:x":"0"}})", 0);
  header("checksum too short", R"({"__metadata__":{"cnf.digest":"00"}})", 0);
  header("checksum at another place", R"({"__metadata__":{"a":"","cnf.digest":"00000000000000000000000000000000"}})",
         0);
  header("checksum wrong", R"({"__metadata__":{"cnf.digest":"00000000000000000000000000000000"}})", 0);
  return files;
}

}  // namespace

TEST_CASE("a file reloads bit for bit, whatever the order its tensors were given in", "[base][safetensors]") {
  const Safetensors written = example();
  const std::string bytes = safetensors_bytes(written);
  const TemporaryFolder folder;
  write_file(folder / "m.safetensors", bytes);
  for (const Safetensors& read : {parse(bytes), read_safetensors(folder / "m.safetensors")}) {
    CHECK(read.metadata == written.metadata);
    CHECK(read.tensors.size() == written.tensors.size());
    for (const Tensor& tensor : written.tensors) {
      const Tensor* again = read.find(tensor.name);
      REQUIRE(again != nullptr);
      CHECK(again->dtype == tensor.dtype);
      CHECK(again->shape == tensor.shape);
      CHECK(again->data == tensor.data);
    }
    CHECK(read.find("no such") == nullptr);
    CHECK(values<float>(*read.find("w1")) == std::vector<float>{1, -2, 3.5F, 0, 1e-30F, 7});
    CHECK(values<std::int64_t>(*read.find("step")) == std::vector<std::int64_t>{-5});
    CHECK_THROWS_AS(values<double>(*read.find("w1")), std::invalid_argument);
    CHECK(safetensors_bytes(read) == bytes);
  }
  Safetensors turned = written;
  std::reverse(turned.tensors.begin(), turned.tensors.end());
  CHECK(safetensors_bytes(turned) == bytes);
}

TEST_CASE("the file is laid out as the format asks", "[base][safetensors]") {
  const std::string bytes = safetensors_bytes(example());
  std::uint64_t n = 0;
  std::memcpy(&n, bytes.data(), 8);
  CHECK(n % 8 == 0);
  const std::string header = bytes.substr(8, n);
  CHECK(header.find(R"({"__metadata__":{"cnf.digest":")") == 0);
  CHECK(header.find(R"("recipe":"{\"a\": [1]}\u000a\u0001\\ )") != std::string::npos);
  // 8-byte items first, then 4, then 1, each by name: every array lies at a multiple of its item size.
  CHECK(header.find(R"("mean \u)") == std::string::npos);
  CHECK(header.find("\"mean \xc3\xa9\\\"\\\\\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}") !=
        std::string::npos);
  CHECK(header.find(R"("step":{"dtype":"I64","shape":[],"data_offsets":[16,24]})") != std::string::npos);
  CHECK(header.find(R"("none":{"dtype":"F32","shape":[4,0],"data_offsets":[24,24]})") != std::string::npos);
  CHECK(header.find(R"("w1":{"dtype":"F32","shape":[2,3],"data_offsets":[24,48]})") != std::string::npos);
  CHECK(header.find(R"("bytes":{"dtype":"U8","shape":[3],"data_offsets":[48,51]})") != std::string::npos);
  CHECK(bytes.size() == 8 + n + 51);
  CHECK(digest(bytes) == digest(safetensors_bytes(example())));
}

TEST_CASE("no single flipped bit of a file goes unnoticed", "[base][safetensors]") {
  // Every bit instead of a random choice: length, JSON, padding, digests and data.
  Safetensors small = example();
  small.metadata["pad"] = "1";  // so that the header ends in spaces
  std::string bytes = safetensors_bytes(small);
  std::uint64_t n = 0;
  std::memcpy(&n, bytes.data(), 8);
  REQUIRE(bytes[8 + n - 1] == ' ');
  CHECK(8 * bytes.size() > 10000);
  int accepted = 0, flips = 0;
  for (const Digests digests : {Digests::required, Digests::optional}) {
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
      // Without the duty of a checksum a flip in its very name makes the file a foreign one; that is what it means.
      const bool hides_it = digests == Digests::optional && bit / 8 >= 8 && bit / 8 < 8 + 29;
      if (!hides_it) {
        ++flips;
        accepted += refusal(bytes, digests).empty();
      }
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    }
  }
  CHECK(flips == static_cast<int>(8 * (2 * bytes.size() - 29)));
  CHECK(accepted == 0);
  CHECK(refusal(bytes).empty());

  std::string damaged = bytes;
  damaged[8 + n + 30] ^= 1;
  CHECK(refusal(damaged) ==
        "m.safetensors: the checksum of tensor 'w1' does not match: the file is damaged; its data "
        "begin at byte " +
            std::to_string(8 + n + 24));
  damaged = bytes;
  damaged[bytes.find("\"cnf\"") + 1] ^= 1;
  CHECK(refusal(damaged).find("the checksum of the header does not match") != std::string::npos);
}

TEST_CASE("no file cut short or grown goes unnoticed", "[base][safetensors]") {
  const std::string bytes = safetensors_bytes(example());
  int accepted = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) accepted += refusal(bytes.substr(0, n)).empty();
  CHECK(bytes.size() > 1000);
  CHECK(accepted == 0);
  CHECK(refusal(bytes + "x") ==
        "m.safetensors: bytes left over after the last tensor at byte " + std::to_string(bytes.size()));
}

TEST_CASE("hostile files are refused on one line, at once, with nothing allocated", "[base][safetensors]") {
#ifdef __SANITIZE_ADDRESS__
  constexpr double kLimit = 2;  // seconds of this processor, in a build that checks every access
#else
  constexpr double kLimit = 0.1;
#endif
  const std::vector<Hostile> files = hostile_files();
  CHECK(files.size() >= 60);
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "hostile.safetensors";
  for (const Hostile& file : files) {
    put(path, file.bytes);
    CAPTURE(file.what);
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    const std::clock_t start = std::clock();
    const std::string message = message_of<InputError>([&] { read_safetensors(path, Digests::optional); });
    const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    getrusage(RUSAGE_SELF, &after);
    CAPTURE(message);
    CHECK(message.find(path.native() + ": ") == 0);
    CHECK(message.find(" at byte ") != std::string::npos);
    CHECK(message.size() < path.native().size() + 400);
    CHECK(message.find('\n') == std::string::npos);
    CHECK(seconds < kLimit);
    CHECK(after.ru_maxrss - before.ru_maxrss <= 32 * 1024);  // kB
    CHECK(!refusal(file.bytes, Digests::required).empty());
  }
}

TEST_CASE("a refusal names what is wrong and its byte", "[base][safetensors]") {
  const auto optional = [](const std::string& bytes) { return refusal(bytes, Digests::optional); };
  CHECK(optional(little_endian(std::numeric_limits<std::int64_t>::max())) ==
        "m.safetensors: the header's length is 9223372036854775807, at most 1048576 is read; no safetensors file? at "
        "byte 0");
  CHECK(optional(little_endian(100) + "{}") ==
        "m.safetensors: truncated: the header at byte 8 takes 100 bytes, the file ends at byte 10");
  CHECK(optional(file_of(R"({"w":{"dtype":"F31"}})")) ==
        "m.safetensors: tensor 'w': unknown dtype 'F31' at byte " + std::to_string(8 + 14));
  CHECK(optional(file_of(R"({"w":{"shape":[1,-2]}})")) ==
        "m.safetensors: tensor 'w': shape: '-2' is no integer from 0 to 9223372036854775807 at byte " +
            std::to_string(8 + 17));
  CHECK(optional(file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                         R"("b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}})",
                         7)) == "m.safetensors: tensor 'b' overlaps another at byte " + std::to_string(8 + 53));
  CHECK(optional(file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[1,5]}})", 5)) ==
        "m.safetensors: tensor 'a': a hole lies before its data at byte 9");
  CHECK(message_of<InputError>([] { read_safetensors("/no/such"); }) ==
        "/no/such: cannot open: No such file or directory");
  CHECK(message_of<InputError>([] { read_safetensors("/tmp"); }) == "/tmp: cannot read: Is a directory");
}

TEST_CASE("files of other programs are read where that is allowed", "[base][safetensors]") {
  const std::string foreign = file_of(
      "{ \"__metadata__\" : {\"format\":\"p\\u0074\\ud83d\\ude00\\n\"},\n\t\"\\u00e9\":{\"shape\":[2, 1],"
      "\"data_offsets\":[0,8],\"dtype\":\"F32\"}, \"h\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[8,10]}}   ",
      10);
  CHECK(refusal(foreign).find("holds no checksum") != std::string::npos);
  const Safetensors file = parse(foreign, Digests::optional);
  CHECK(file.metadata.at("format") == "pt\xf0\x9f\x98\x80\n");
  REQUIRE(file.find("\xc3\xa9") != nullptr);
  CHECK(file.find("\xc3\xa9")->shape == std::vector<std::int64_t>{2, 1});
  CHECK(name(file.find("h")->dtype) == "BF16");
  CHECK(parse(file_of("{}"), Digests::optional).tensors.empty());
}

TEST_CASE("misuse of the safetensors writer is refused by name", "[base][safetensors]") {
  const Tensor good = make_tensor<float>("w", {2}, std::vector<float>{1, 2});
  const auto refused = [](const Safetensors& file, const std::string& part) {
    return message_of<std::invalid_argument>([&] { safetensors_bytes(file); }).find(part) != std::string::npos;
  };
  CHECK(refused({{}, {good, good}}, "two tensors are named 'w'"));
  for (const std::string& bad : {std::string(), std::string("a\nb"), std::string("\xff"), std::string("__metadata__"),
                                 std::string("cnf.digest:w")}) {
    Tensor named = good;
    named.name = bad;
    CHECK(refused({{}, {named}}, "empty, reserved"));
    CHECK(refused({{{bad, "x"}}, {}}, "empty, reserved"));
  }
  CHECK(refused({{{"a", "\xff"}}, {}}, "not UTF-8"));
  Tensor misshapen = good;
  misshapen.shape = {3};
  CHECK(refused({{}, {misshapen}}, "shape [3] and dtype F32 has 8 bytes"));
  misshapen.shape = {-2};
  CHECK(refused({{}, {misshapen}}, "shape [-2]"));
  CHECK(refused({{{"a", std::string(1 << 20, 'x')}}, {}}, "at most 1048576"));
}

}  // namespace cnf
