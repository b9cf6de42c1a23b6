#include "base/digest.hpp"

#include <catch2/catch.hpp>

namespace cnf {

TEST_CASE("the digest is XXH3-128 as xxhsum prints it", "[base][digest]") {
  // The empty one is in the algorithm's specification; the others are by an independent build (python-xxhash 3).
  CHECK(digest(std::string_view()) == "99aa06d3014798d86001c324468d497f");
  CHECK(digest("cnf") == "555ed8d78a7dce82a4b0d49402913149");
  CHECK(digest(std::string(1000, 'x')) == "50a1af5a5f2dcf01c0a4877b962cba82");
}

TEST_CASE("the pieces a stream comes in do not change its digest", "[base][digest]") {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += static_cast<char>(i * 7);
  for (const std::size_t cut : {0, 1, 15, 16, 240, 241, 1024, 2999, 3000}) {
    Digest pieces;
    pieces.update(std::string_view(text).substr(0, cut)).update(std::string_view(text).substr(cut));
    CHECK(pieces.hex() == digest(text));
    CHECK(digest({std::as_bytes(std::span(text).first(cut)), std::as_bytes(std::span(text).subspan(cut))}) ==
          digest(text));
  }
}

}  // namespace cnf
