#include "cli/stack/readiness.h"

#include <algorithm>

#include "lib/client/client.h"

namespace millrace::cli {
namespace {

// The value of a gauge without labels in Prometheus' text form; nothing when it is not there.
std::optional<std::string> gauge(const std::string& metrics, const std::string& name) {
  const std::string start = "\n" + name + " ";
  const std::size_t at = metrics.find(start);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t value = at + start.size();
  return metrics.substr(value, metrics.find('\n', value) - value);
}

}  // namespace

Readiness ask_readiness(const std::string& url, const std::string& token,
                        std::chrono::steady_clock::time_point deadline) {
  const client::Client client(
      [&]() -> Result<client::Endpoint> { return client::Endpoint{url, token}; });
  const auto soon = std::min(deadline, std::chrono::steady_clock::now() + std::chrono::seconds(2));
  const client::Answer answer = client.probe("/readyz", soon);
  if (!answer.ok()) return {false, answer.problem.detail};
  const client::Answer metrics = client.probe("/metrics", soon);
  if (!metrics.ok()) return {false, metrics.problem.detail};
  if (gauge(metrics.body, "millrace_workers_connected") == "0")
    return {false, "no worker has connected"};
  return {true, ""};
}

}  // namespace millrace::cli
