// One model of the blocks of two, the first one's at the base: two_blocks BASE_MODEL DATA_MODEL OUT, all .safetensors.
#include <cstdio>
#include <exception>

#include "base/file_writer.hpp"
#include "flows/files/model_file.hpp"

using namespace cnf;

int main(int count, char** words) try {
  if (count != 4) return 2;
  const Cnf first = read_model(words[1]).model;
  ModelFile file = read_model(words[2]);
  Cnf& model = file.model;
  Vector<double> params(first.params.size() + model.params.size());
  params << first.params, model.params;
  model.blocks.insert(model.blocks.begin(), first.blocks.begin(), first.blocks.end());
  model.params = params;
  write_file(words[3], model_bytes(file));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "two_blocks: %s\n", error.what());
  return 1;
}
