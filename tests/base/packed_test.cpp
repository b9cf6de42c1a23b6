#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <thread>

#include "base/error.hpp"
#include "base/inflate.hpp"
#include "base/zip.hpp"
#include "tests/base/packed.hpp"
#include "tests/base/temporary_folder.hpp"

namespace cnf {
namespace {

ByteSource source(const std::string& bytes) { return {std::as_bytes(std::span(bytes)), "a"}; }

/// All bytes, in pieces of `size`.
std::string all_of(ByteSource bytes, std::size_t size = 1000) {
  std::string out, piece(size, '\0');
  while (const std::size_t n = bytes.read_some(std::as_writable_bytes(std::span(piece)))) out.append(piece, 0, n);
  return out;
}

std::string numbers(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += std::to_string(i * 7919 % 1013) + "\n";
  return text;
}

const std::string kText = numbers(60000);  // several pieces, packed too

std::string refusal_of_zip(const std::string& bytes) {
  return message_of<InputError>([&] {
    const std::vector<ZipMember> members = zip_members(source(bytes));
    for (const ZipMember& member : members) all_of(open_zip_member(source(bytes), member));
  });
}

}  // namespace

TEST_CASE("bytes that are peeked at are read again, from files, pipes, memory and streams", "[base][packed]") {
  const TemporaryFolder folder;
  put(folder / "f", kText);
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto check = [&](ByteSource bytes) {
    const auto text = [](std::span<const std::byte> piece) {
      return std::string(reinterpret_cast<const char*>(piece.data()), piece.size());
    };
    CHECK(text(bytes.peek(2)) == kText.substr(0, 2));
    CHECK(text(bytes.peek(5)) == kText.substr(0, 5));
    CHECK(bytes.offset() == 0);
    CHECK(bytes.read(1, "a byte")[0] == std::byte{static_cast<unsigned char>(kText[0])});
    CHECK(text(bytes.peek(6)) == kText.substr(1, 6));
    CHECK(bytes.offset() == 1);
    CHECK(all_of(std::move(bytes), 3) == kText.substr(1));
  };
  check(source(kText));
  check(ByteSource(folder / "f"));
  const std::string gz = packed(kText);
  check(unpacked(source(gz)));
  std::thread sender([&] { put(folder / "pipe", kText); });
  check(ByteSource(folder / "pipe"));
  sender.join();
  const std::string short_text = "ab";
  ByteSource two = source(short_text);
  CHECK(two.peek(9).size() == 2);
  CHECK(all_of(std::move(two)) == "ab");
}

TEST_CASE("what gzip has packed is unpacked, in one member or many, in pieces of any size", "[base][packed]") {
  const std::string one = packed(kText), empty = packed("");
  for (const std::size_t size : {1, 7, 65536, 1 << 20}) CHECK(all_of(unpacked(source(one)), size) == kText);
  for (const std::string& file : {one + one, empty + one + empty + one, one + one + std::string(1000, '\0')})
    CHECK(all_of(unpacked(source(file))) == kText + kText);
  CHECK(all_of(unpacked(source(empty))).empty());
  for (const std::string plain : {"", "\x1f", "1,2\n", "\x1f\x8a"}) CHECK(all_of(unpacked(source(plain))) == plain);
}

TEST_CASE("packed bytes that are cut short, damaged or not all packed are refused", "[base][packed]") {
  const std::string one = packed(numbers(500));
  int accepted = 0;
  for (std::size_t n = 2; n < one.size(); ++n)
    accepted += message_of<InputError>([&] { all_of(unpacked(source(one.substr(0, n)))); }).empty();
  CHECK(accepted == 0);
  const auto refusal = [](const std::string& bytes, const UnpackLimit& limit = {}) {
    return message_of<InputError>([&] { all_of(unpacked(source(bytes), limit)); });
  };
  CHECK(refusal(one.substr(0, 100)) == "a: truncated: the packed data end early at byte 100");
  std::string bad = one;
  bad[bad.size() - 6] = static_cast<char>(bad[bad.size() - 6] ^ 1);
  CHECK(refusal(bad).starts_with("a: damaged: the packed data cannot be unpacked (incorrect data check) at byte"));
  CHECK(refusal(one + "more") == "a: bytes behind the packed data that are none at byte " + std::to_string(one.size()));
  CHECK(refusal(one + std::string(3, '\0') + "x").find("that are none at byte") != std::string::npos);
  CHECK(refusal(one + "\x1fx").find("damaged") != std::string::npos);
  // More than the limit's ratio of what was packed, once there is enough of it.
  const std::string zeros = packed(std::string(1 << 20, '0'));
  CHECK(refusal(zeros).empty());
  CHECK(
      refusal(zeros, {.free_bytes = 1 << 19, .ratio = 200}).starts_with("a: unpacks to more than 200 times its size"));
  CHECK(refusal(zeros, {.free_bytes = 1 << 19, .ratio = 1100}).empty());
}

TEST_CASE("a zip archive's members are found and read, in every dress", "[base][packed]") {
  const bool deflated = GENERATE(true, false), wide = GENERATE(true, false), descriptor = GENERATE(true, false);
  CAPTURE(deflated, wide, descriptor);
  const Zip zip{.deflated = deflated, .wide = wide, .descriptor = descriptor, .comment = GENERATE("", "PK\5\6 noise")};
  const std::string bytes = zip({{"x.npy", kText}, {"deep/y\n.npy", ""}, {"z", "abc"}});
  const std::vector<ZipMember> members = zip_members(source(bytes));
  REQUIRE(members.size() == 3);
  CHECK(members[1].name == "deep/y\\n.npy");
  CHECK(all_of(open_zip_member(source(bytes), members[0])) == kText);
  CHECK(all_of(open_zip_member(source(bytes), members[1])).empty());
  CHECK(all_of(open_zip_member(source(bytes), members[2]), 1) == "abc");
}

TEST_CASE("archives that are cut short, damaged or beyond us are refused by name", "[base][packed]") {
  const Zip zip;
  const std::string text = numbers(300), bytes = zip({{"x.npy", text}});
  int accepted = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) accepted += refusal_of_zip(bytes.substr(0, n)).empty();
  CHECK(accepted == 0);
  // A flipped bit of the data is found out, or says nothing (the length of a code that is not used).
  for (std::size_t n = 8 * bytes.find("x.npy") + 40; n < 8 * bytes.find("PK\1\2"); ++n) {
    std::string flipped = bytes;
    flipped[n / 8] = static_cast<char>(flipped[n / 8] ^ (1 << n % 8));
    try {
      accepted += all_of(open_zip_member(source(flipped), zip_members(source(flipped))[0])) != text;
    } catch (const InputError&) {
    }
  }
  CHECK(accepted == 0);
  CHECK(refusal_of_zip("hello").find("no zip archive") != std::string::npos);
  CHECK(refusal_of_zip(std::string(100, 'x')).find("it has no directory") != std::string::npos);
  CHECK(refusal_of_zip(Zip{.flags = 1}({{"x.npy", text}})) == "a: x.npy: is encrypted, which is not read");
  CHECK(refusal_of_zip(Zip{.method = 14}({{"x.npy", text}})) ==
        "a: x.npy: is packed by method 14, expected deflate (8) or none (0)");
  // Sizes that the directory makes up are held against the file.
  const auto with = [&](const char* mark, std::size_t at, std::uint64_t value, int size, const std::string& of) {
    std::string out = of;
    return out.replace(out.rfind(mark) + at, static_cast<std::size_t>(size), number(value, size));
  };
  for (const std::string& wrong :
       {with("PK\1\2", 20, 0xfffffff0, 4, bytes), with("PK\1\2", 24, 0xfffffff0, 4, bytes),
        with("PK\1\2", 24, text.size() - 1, 4, bytes), with("PK\1\2", 24, text.size() + 1, 4, bytes),
        with("PK\1\2", 42, 0xfffffff0, 4, bytes), with("PK\1\2", 28, 0xffff, 2, bytes), with("PK\5\6", 10, 2, 2, bytes),
        with("PK\5\6", 12, 0xfffffff0, 4, bytes), with("PK\5\6", 16, 0xfffffff0, 4, bytes),
        with("PK\5\6", 8, 7, 2, bytes), with("PK\1\2", 20, 5, 4, bytes)}) {
    const std::string message = refusal_of_zip(wrong);
    CAPTURE(message);
    CHECK(message.starts_with("a: "));
  }
  const std::string wide = Zip{.wide = true}({{"x.npy", text}});
  for (const std::size_t at : {8, 32, 40, 48})
    CHECK(!refusal_of_zip(with(at == 8 ? "PK\6\7" : "PK\6\6", at, ~std::uint64_t{0} - 3, 8, wide)).empty());
  const std::string zeros = zip({{"x.npy", std::string(1 << 20, '\0')}});
  const auto open = [&](const UnpackLimit& limit) {
    return message_of<InputError>([&] { open_zip_member(source(zeros), zip_members(source(zeros))[0], limit); });
  };
  CHECK(open({.free_bytes = 1 << 19}) == "a: x.npy: unpacks to 1048576 bytes, more than 200 times its size");
  CHECK(open({}).empty());
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  const auto before = std::signal(SIGPIPE, SIG_IGN);  // the reader hangs up on the sender
  std::thread sender([&] { put(folder / "pipe", bytes); });
  CHECK(message_of<InputError>([&] { zip_members(ByteSource(folder / "pipe")); }).find("not from a pipe") !=
        std::string::npos);
  sender.join();
  std::signal(SIGPIPE, before);
}

}  // namespace cnf
