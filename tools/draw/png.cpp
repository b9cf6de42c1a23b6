#include "tools/draw/png.hpp"

#include <cstdlib>
#include <memory>
#include <new>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

namespace cnf {

std::string encode_png(const Canvas& canvas) {
  int size = 0;
  const std::unique_ptr<unsigned char, decltype(&std::free)> bytes(
      stbi_write_png_to_mem(canvas.data(), 3 * canvas.width(), canvas.width(), canvas.height(), 3, &size), &std::free);
  if (!bytes) throw std::bad_alloc();
  return {reinterpret_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

}  // namespace cnf
