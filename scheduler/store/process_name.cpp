#include "scheduler/store/process_name.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace millrace::scheduler {
namespace {

// "boot namespace": where process numbers have this meaning.
std::string place() {
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  std::error_code problem;
  const std::string space = std::filesystem::read_symlink("/proc/self/ns/pid", problem);
  return boot.empty() || problem ? "" : boot + " " + space;
}

// When the process started, in ticks since boot (field 22 of /proc/pid/stat); "" when there is
// none, or it has ended and nobody has waited for it.
std::string start_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string stat;
  if (!std::getline(file, stat)) return "";
  // The name, field 2, is in parentheses and may hold anything.
  std::istringstream rest(stat.substr(stat.rfind(')') + 1));
  std::string field;
  for (int number = 3; rest >> field; ++number) {
    if (number == 3 && (field == "Z" || field == "X")) return "";
    if (number == 22) return field;
  }
  return "";
}

}  // namespace

std::string process_name() {
  const std::string here = place();
  const std::string pid = std::to_string(::getpid());
  const std::string start = start_of(pid);
  return here.empty() || start.empty() ? "" : here + " " + pid + " " + start;
}

bool is_gone(std::string_view name) {
  std::istringstream words{std::string(name)};
  std::string boot, space, pid, start, more;
  if (!(words >> boot >> space >> pid >> start) || words >> more) return false;
  if (boot + " " + space != place()) return false;
  if (pid.find_first_not_of("0123456789") != std::string::npos) return false;
  return start_of(pid) != start;
}

}  // namespace millrace::scheduler
