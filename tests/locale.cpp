// Every test program takes its locale from the environment, as a host of the libraries may: decimal commas too.
#include <clocale>

static const char* const kLocale [[maybe_unused]] = std::setlocale(LC_ALL, "");
