// Every test program takes its user's locale, as a host of the libraries may; by `./dev nightly locale`, decimal commas.
#include <clocale>

static const char* const kLocale [[maybe_unused]] = std::setlocale(LC_ALL, "");
