#include "flows/objectives/reverse_kl.hpp"

namespace cnf {

std::vector<Setting> ReverseKl::settings() {
  return {gradient_setting(flow), probe_setting(flow), anneal_setting(target)};
}

}  // namespace cnf
