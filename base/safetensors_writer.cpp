// The header's digest is written last, over zeros in its own place; a tensor's stands in the header, so the header's
// covers it too. Names and values are sorted, so that equal contents give equal bytes.
#include <algorithm>
#include <set>

#include "base/digest.hpp"
#include "base/safetensors_header.hpp"
#include "base/utf8.hpp"

namespace cnf {

using namespace safetensors;

namespace {

std::string little_endian(std::uint64_t n) {
  std::string out(8, '\0');
  std::memcpy(out.data(), &n, 8);
  return out;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20)
      out += {'\\', 'u', '0', '0', "01"[c >> 4], "0123456789abcdef"[c & 15]};
    else
      out += c;
  }
  return out + '"';
}

void check_name(std::string_view name, const char* kind) {
  if (name.empty() || name.size() > kMaxHeader || !is_name(name) || name == kMetadata || name.starts_with(kDigest))
    throw std::invalid_argument("safetensors_bytes: " + std::string(kind) + " '" + printable(name, 200) +
                                "' is empty, reserved or not UTF-8 without control characters");
}

/// Puts the tensors into their order and returns all that comes before their data.
std::string prepare(const std::map<std::string, std::string>& metadata, std::vector<TensorView>& tensors) {
  // Largest items first: every array then lies at a multiple of its item size.
  std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    const std::size_t size_a = item_size(a.dtype), size_b = item_size(b.dtype);
    return size_a != size_b ? size_a > size_b : a.name < b.name;
  });

  std::string header(kOpening);
  header.append(kDigestLength, '0').append("\"");
  std::set<std::string_view> names;
  for (const TensorView& tensor : tensors) {
    check_name(tensor.name, "tensor");
    if (!names.insert(tensor.name).second)
      throw std::invalid_argument("safetensors_bytes: two tensors are named '" + tensor.name + "'");
    header.append(",").append(json_string(std::string(kTensorDigest) + tensor.name));
    header.append(":").append(json_string(digest(tensor.data)));
  }
  for (const auto& [key, value] : metadata) {
    check_name(key, "metadata key");
    if (!is_utf8(value)) throw std::invalid_argument("safetensors_bytes: the value of '" + key + "' is not UTF-8");
    header.append(",").append(json_string(key)).append(":").append(json_string(value));
  }
  header += "}";
  std::uint64_t end = 0;
  for (const TensorView& tensor : tensors) {
    std::string shape;
    bool valid = tensor.shape.size() <= kMaxDimensions;
    for (const std::int64_t n : tensor.shape) {
      shape.append(shape.empty() ? "" : ",").append(std::to_string(n));
      valid = valid && n >= 0;
    }
    if (!valid || byte_size(tensor.shape, tensor.dtype) != tensor.data.size())
      throw std::invalid_argument("safetensors_bytes: tensor '" + tensor.name + "' of shape [" + shape +
                                  "] and dtype " + std::string(name(tensor.dtype)) + " has " +
                                  std::to_string(tensor.data.size()) + " bytes");
    header.append(",").append(json_string(tensor.name));
    header.append(R"(:{"dtype":")").append(name(tensor.dtype)).append(R"(","shape":[)").append(shape);
    header.append(R"(],"data_offsets":[)").append(std::to_string(end)).append(",");
    header.append(std::to_string(end + tensor.data.size())).append("]}");
    end += tensor.data.size();
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > kMaxHeader)
    throw std::invalid_argument("safetensors_bytes: the header takes " + std::to_string(header.size()) +
                                " bytes, at most " + std::to_string(kMaxHeader) + " are allowed");
  header.replace(kOpening.size(), kDigestLength, header_digest(header));
  return little_endian(header.size()) + header;
}

}  // namespace

std::string safetensors_bytes(const Safetensors& contents) {
  std::vector<TensorView> tensors;
  for (const Tensor& tensor : contents.tensors)
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.data});
  std::string out = prepare(contents.metadata, tensors);
  std::size_t size = out.size();
  for (const TensorView& tensor : tensors) size += tensor.data.size();
  out.reserve(size);
  for (const TensorView& tensor : tensors)
    out.append(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
  return out;
}

void write_safetensors(FileWriter& file, const std::map<std::string, std::string>& metadata,
                       std::vector<TensorView> tensors) {
  file.write(prepare(metadata, tensors));
  for (const TensorView& tensor : tensors) file.write(tensor.data);
}

}  // namespace cnf
