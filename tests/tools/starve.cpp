// Loaded into a program (LD_PRELOAD) to see what it does without memory or threads:
//   CNF_STARVE=K     its K-th allocation fails; K-: that one and all after it
//   CNF_STARVE_BY=S  once it has asked for a thread, so does every one by a library with S in its name
//   CNF_COUNT=FILE   at its end, the number of its allocations goes into FILE
//   CNF_THREADS=N    it has N threads beside its first, at most
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <dlfcn.h>

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

std::atomic<long> allocations{0}, threads{0};
long first = 0, last = 0, most_threads = -1;
const char* by = nullptr;
std::atomic<bool> asked{false};

[[gnu::constructor]] void begin() {
  if (const char* text = std::getenv("CNF_STARVE")) {
    first = std::strtol(text, nullptr, 10);
    last = std::strchr(text, '-') != nullptr ? 1L << 60 : first;
  }
  by = std::getenv("CNF_STARVE_BY");
  if (const char* text = std::getenv("CNF_THREADS")) most_threads = std::strtol(text, nullptr, 10);
}

[[gnu::destructor]] void end() {
  const char* path = std::getenv("CNF_COUNT");
  const long count = allocations;
  std::FILE* file = path != nullptr ? std::fopen(path, "w") : nullptr;
  if (file == nullptr) return;
  std::fprintf(file, "%ld\n", count);
  std::fclose(file);
}

bool is_by_them(const void* caller) {
  Dl_info info{};
  return by != nullptr && asked && ::dladdr(caller, &info) != 0 && std::strstr(info.dli_fname, by) != nullptr;
}

bool starved(const void* caller) {
  const long k = ++allocations;
  if ((k < first || k > last || first == 0) && !is_by_them(caller)) return false;
  errno = ENOMEM;
  return true;
}

}  // namespace

extern "C" {

void* malloc(std::size_t n) { return starved(__builtin_return_address(0)) ? nullptr : __libc_malloc(n); }
void* calloc(std::size_t n, std::size_t size) {
  return starved(__builtin_return_address(0)) ? nullptr : __libc_calloc(n, size);
}
void* realloc(void* p, std::size_t n) { return starved(__builtin_return_address(0)) ? nullptr : __libc_realloc(p, n); }
void* aligned_alloc(std::size_t align, std::size_t n) {
  return starved(__builtin_return_address(0)) ? nullptr : __libc_memalign(align, n);
}
int posix_memalign(void** p, std::size_t align, std::size_t n) {
  if (starved(__builtin_return_address(0))) return ENOMEM;
  *p = __libc_memalign(align, n);
  return *p == nullptr ? ENOMEM : 0;
}

struct Start {
  void* (*run)(void*);
  void* argument;
};
static void* run_counted(void* at) {
  const Start start = *static_cast<Start*>(at);
  void* result = start.run(start.argument);
  --threads;
  return result;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(::dlsym(RTLD_NEXT, "pthread_create"));
  asked = true;
  if (most_threads < 0) return create(thread, attributes, run, argument);
  if (++threads > most_threads) {
    --threads;
    return EAGAIN;
  }
  static Start starts[64];  // of the tests' few
  static std::atomic<int> used{0};
  Start* start = &starts[used++ % 64];
  *start = {run, argument};
  return create(thread, attributes, run_counted, start);
}

}  // extern "C"
