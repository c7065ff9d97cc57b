#include "cli/commands/starting.h"

#include <sys/random.h>

#include <array>
#include <chrono>
#include <utility>
#include <variant>

#include "cli/commands/commands.h"
#include "cli/listing.h"
#include "cli/report.h"
#include "cli/watch.h"
#include "manifest/parameters.h"

namespace millrace::cli {
namespace {

constexpr std::chrono::seconds kPatience{10};  // a scheduler that is just being started again

std::string random_key() {
  std::array<unsigned char, 16> bytes{};
  static_cast<void>(::getrandom(bytes.data(), bytes.size(), 0));  // so few bytes always come whole
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string key;
  for (const unsigned char byte : bytes) key += {kHex[byte >> 4], kHex[byte & 15]};
  return key;
}

std::string name_of(const client::Answer& answer) {
  const OrderedJson json = OrderedJson::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  const auto at = OrderedJson::json_pointer("/metadata/name");
  return json.is_object() && json.contains(at) && json.at(at).is_string()
             ? json.at(at).get<std::string>()
             : "";
}

}  // namespace

Result<OrderedJson> typed_parameters(const std::vector<GivenParameter>& given,
                                     const std::vector<manifest::Parameter>& declared) {
  OrderedJson parameters = OrderedJson::object();
  for (const auto& [name, text] : given) {
    OrderedJson value = text;
    for (const manifest::Parameter& parameter : declared) {
      if (parameter.name != name) continue;
      MILLRACE_TRY(typed, manifest::value_from_text(parameter, text));
      value = std::visit([](const auto& held) -> OrderedJson { return held; }, typed);
    }
    parameters[name] = std::move(value);
  }
  return parameters;
}

Exit start_run(const std::vector<std::string>& path, OrderedJson body, const Typing& typing,
               const commands::Starting& options, Session& session) {
  const auto keep_trying = client::SteadyTime::clock::now() + kPatience;
  // How they are written is looked at before anybody is asked.
  const auto given = split_parameters(options.parameters);
  if (!given.ok()) return report(session.err, given.error());
  if (!given->empty()) {
    const client::Answer shown =
        session.client.call({.path = typing.path, .keep_trying_until = keep_trying});
    if (!shown.ok()) return report(session.err, shown.problem);
    const auto declared = typing.declared(shown.body);
    if (!declared.ok()) return report(session.err, declared.error());
    auto typed = typed_parameters(*given, *declared);
    if (!typed.ok()) return report(session.err, typed.error());
    body["parameters"] = *std::move(typed);
  }
  const client::Answer answer =
      session.client.call({.method = "POST",
                           .path = path,
                           .body = body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace),
                           .idempotency_key = options.key.empty() ? random_key() : options.key,
                           .keep_trying_until = keep_trying});
  if (!answer.ok()) return report(session.err, answer.problem);
  const std::string name = name_of(answer);
  const bool plain = options.format == Format::kTable || options.format == Format::kName;
  session.out << (plain ? name + "\n"
                        : listing_text("runs", answer.body, options.format, WallTime()))
              << std::flush;
  if (!options.watch && !options.wait) return Exit::kDone;
  return watch_run({name, options.timeout, !options.watch, options.format == Format::kTable},
                   session);
}

}  // namespace millrace::cli
