#include "lib/client/client.h"

#include <thread>

#include "lib/client/pauses.h"

namespace millrace::client {
namespace {

bool succeeded(int status) { return (status >= 200 && status < 300) || status == 304; }

Answer answer_of(Result<Response> result) {
  Answer answer;
  if (!result.ok()) {
    answer.failed = true;
    answer.problem = problem_of(result.error());
    return answer;
  }
  answer.status = result->status;
  answer.content_type = result->header("content-type");
  answer.headers = std::move(result->headers);
  answer.body = std::move(result->body);
  answer.failed = !succeeded(answer.status);
  if (answer.failed) answer.problem = parse_problem(answer.status, answer.body);
  return answer;
}

}  // namespace

bool may_pass(const Problem& problem) {
  return problem.code == "client.unreachable" || problem.code == "client.broken" ||
         problem.status == 503;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
  }
  return encoded;
}

Client::Client(FindEndpoint find_endpoint, std::string name_space)
    : find_endpoint_(std::move(find_endpoint)), name_space_(std::move(name_space)) {}

Answer Client::once(const Call& call, const BodySink* sink) const {
  const Result<Endpoint> endpoint = find_endpoint_();
  if (!endpoint.ok()) return answer_of(endpoint.error());
  const Result<Transport> transport = Transport::to(endpoint->url);
  if (!transport.ok()) return answer_of(transport.error());

  Request request;
  request.method = call.method;
  request.target = "/v1/namespaces/" + percent_encode(name_space_);
  for (const std::string& segment : call.path) request.target += '/' + percent_encode(segment);
  char separator = '?';
  for (const auto& [name, value] : call.query) {
    request.target += separator + percent_encode(name) + '=' + percent_encode(value);
    separator = '&';
  }
  request.body = call.body;
  request.patience = call.patience;
  request.deadline = call.deadline;
  if (!endpoint->token.empty())
    request.headers.emplace_back("Authorization", "Bearer " + endpoint->token);
  if (!call.body.empty()) request.headers.emplace_back("Content-Type", call.content_type);
  if (!call.accept.empty()) request.headers.emplace_back("Accept", call.accept);
  if (!call.idempotency_key.empty())
    request.headers.emplace_back("Idempotency-Key", call.idempotency_key);
  return answer_of(sink != nullptr ? transport->stream(request, *sink) : transport->send(request));
}

Answer Client::call(const Call& call) const {
  Pauses pauses;
  while (true) {
    Answer answer = once(call, nullptr);
    if (answer.ok() || !may_pass(answer.problem) || !call.keep_trying_until) return answer;
    const auto pause = pauses.next();
    if (SteadyTime::clock::now() + pause >= *call.keep_trying_until) return answer;
    std::this_thread::sleep_for(pause);
  }
}

Answer Client::stream(const Call& call, const BodySink& sink) const { return once(call, &sink); }

Answer Client::probe(const std::string& target, SteadyTime deadline) const {
  const Result<Endpoint> endpoint = find_endpoint_();
  if (!endpoint.ok()) return answer_of(endpoint.error());
  const Result<Transport> transport = Transport::to(endpoint->url);
  if (!transport.ok()) return answer_of(transport.error());
  Request request;
  request.target = target;
  request.deadline = deadline;
  return answer_of(transport->send(request));
}

}  // namespace millrace::client
