#include "lib/sql/server/confine.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/check.h"
#include "lib/sql/limits.h"

namespace millrace::sql {
namespace {

// Sanitizers reserve terabytes of address space, of which they use little.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kBoundAddressSpace = false;
#else
constexpr bool kBoundAddressSpace = true;
#endif

void limit(decltype(RLIMIT_AS) resource, rlim_t value) {
  const rlimit bound{.rlim_cur = value, .rlim_max = value};
  MILLRACE_CHECK(::setrlimit(resource, &bound) == 0, "a resource limit cannot be set");
}

void set_timer(int seconds) {
  const itimerval timer{.it_interval = {.tv_sec = 0, .tv_usec = 0},
                        .it_value = {.tv_sec = seconds, .tv_usec = 0}};
  MILLRACE_CHECK(::setitimer(ITIMER_PROF, &timer, nullptr) == 0, "the CPU watch cannot be set");
}

}  // namespace

void confine() {
  MILLRACE_CHECK(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs cannot be set");
  // At once when the thread that started us ends; the end of the socket tells the same a little
  // later.
  MILLRACE_CHECK(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "the parent's death cannot be watched");
  MILLRACE_CHECK(::chdir("/") == 0, "cannot leave the working folder");
  constexpr rlim_t kDescriptors = 32;
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_NOFILE, kDescriptors);
  if constexpr (kBoundAddressSpace) limit(RLIMIT_AS, kParserAddressSpaceBytes);
  ::signal(SIGPROF, SIG_DFL);
}

void start_cpu_watch() { set_timer(kCpuSecondsPerText); }
void stop_cpu_watch() { set_timer(0); }

}  // namespace millrace::sql
