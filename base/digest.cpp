#include "base/digest.hpp"

#include <xxhash.h>

#include <new>

namespace cnf {

static std::string hex(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  std::string out;
  for (const unsigned char byte : canonical.digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

Digest::Digest() : state_(XXH3_createState()) {
  if (!state_) throw std::bad_alloc();
  XXH3_128bits_reset(static_cast<XXH3_state_t*>(state_.get()));
}

void Digest::Free::operator()(void* state) const { XXH3_freeState(static_cast<XXH3_state_t*>(state)); }

Digest& Digest::update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) XXH3_128bits_update(static_cast<XXH3_state_t*>(state_.get()), bytes.data(), bytes.size());
  return *this;
}

std::string Digest::hex() const {
  return cnf::hex(XXH3_128bits_digest(static_cast<const XXH3_state_t*>(state_.get())));
}

std::string digest(std::span<const std::byte> bytes) { return hex(XXH3_128bits(bytes.data(), bytes.size())); }

std::string digest(std::string_view text) { return digest(std::as_bytes(std::span(text))); }

std::string digest(std::initializer_list<std::span<const std::byte>> parts) {
  Digest all;
  for (const auto part : parts) all.update(part);
  return all.hex();
}

}  // namespace cnf
