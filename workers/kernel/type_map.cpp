#include "workers/kernel/type_map.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace millrace::kernel {
namespace {

struct Spelling {
  std::string_view name;
  TypeKind kind;
  std::string_view sql;
};

constexpr std::array kSpellings{
    Spelling{"BOOLEAN", TypeKind::kBoolean, "BOOLEAN"},
    Spelling{"BOOL", TypeKind::kBoolean, "BOOLEAN"},
    Spelling{"TINYINT", TypeKind::kInteger, "TINYINT"},
    Spelling{"SMALLINT", TypeKind::kInteger, "SMALLINT"},
    Spelling{"INT2", TypeKind::kInteger, "SMALLINT"},
    Spelling{"INTEGER", TypeKind::kInteger, "INTEGER"},
    Spelling{"INT", TypeKind::kInteger, "INTEGER"},
    Spelling{"INT4", TypeKind::kInteger, "INTEGER"},
    Spelling{"BIGINT", TypeKind::kInteger, "BIGINT"},
    Spelling{"INT8", TypeKind::kInteger, "BIGINT"},
    Spelling{"UTINYINT", TypeKind::kInteger, "UTINYINT"},
    Spelling{"USMALLINT", TypeKind::kInteger, "USMALLINT"},
    Spelling{"UINTEGER", TypeKind::kInteger, "UINTEGER"},
    Spelling{"UBIGINT", TypeKind::kInteger, "UBIGINT"},
    Spelling{"FLOAT", TypeKind::kFloat, "FLOAT"},
    Spelling{"REAL", TypeKind::kFloat, "FLOAT"},
    Spelling{"FLOAT4", TypeKind::kFloat, "FLOAT"},
    Spelling{"DOUBLE", TypeKind::kFloat, "DOUBLE"},
    Spelling{"DOUBLE PRECISION", TypeKind::kFloat, "DOUBLE"},
    Spelling{"FLOAT8", TypeKind::kFloat, "DOUBLE"},
    Spelling{"DECIMAL", TypeKind::kDecimal, "DECIMAL"},
    Spelling{"NUMERIC", TypeKind::kDecimal, "DECIMAL"},
    Spelling{"DATE", TypeKind::kDate, "DATE"},
    Spelling{"TIME", TypeKind::kTime, "TIME"},
    Spelling{"TIMESTAMP", TypeKind::kTimestamp, "TIMESTAMP"},
    Spelling{"DATETIME", TypeKind::kTimestamp, "TIMESTAMP"},
    Spelling{"TIMESTAMP WITHOUT TIME ZONE", TypeKind::kTimestamp, "TIMESTAMP"},
    Spelling{"TIMESTAMPTZ", TypeKind::kTimestampTz, "TIMESTAMP WITH TIME ZONE"},
    Spelling{"TIMESTAMP WITH TIME ZONE", TypeKind::kTimestampTz, "TIMESTAMP WITH TIME ZONE"},
    Spelling{"VARCHAR", TypeKind::kText, "VARCHAR"},
    Spelling{"TEXT", TypeKind::kText, "VARCHAR"},
    Spelling{"STRING", TypeKind::kText, "VARCHAR"},
    Spelling{"BLOB", TypeKind::kBlob, "BLOB"},
    Spelling{"BYTEA", TypeKind::kBlob, "BLOB"},
    Spelling{"UUID", TypeKind::kUuid, "UUID"},
    Spelling{"JSON", TypeKind::kJson, "JSON"},
};

constexpr std::array<std::string_view, 4> kListElements{"BOOLEAN", "BIGINT", "DOUBLE", "VARCHAR"};

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') <= 9; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view without_sign(std::string_view text) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) text.remove_prefix(1);
  return text;
}

// The whole text as a number, or nothing.
template <typename Number = int>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) return std::nullopt;
  return number;
}

bool all_digits(std::string_view text) { return std::ranges::all_of(text, is_digit); }

bool integer_fits(std::string_view text) {
  // The engine would round 1.5, and take 0x1F, 1e3 and 1_000 besides.
  const std::string_view digits = without_sign(trimmed(text));
  return !digits.empty() && all_digits(digits);
}

bool float_fits(std::string_view text) { return text.find('_') == std::string_view::npos; }

bool decimal_fits(std::string_view text, std::size_t scale) {
  const std::string_view number = without_sign(trimmed(text));
  const std::size_t point = std::min(number.find('.'), number.size());
  std::string_view fraction = number.substr(std::min(point + 1, number.size()));
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  return all_digits(number.substr(0, point)) && all_digits(fraction) && fraction.size() <= scale;
}

bool date_fits(std::string_view text) {
  // The engine would drop the time of "2024-01-01 10:00".
  return text.find_first_of("Tt:") == std::string_view::npos;
}

// At most microseconds: further digits must be zeros.
bool fraction_fits(std::string_view text) {
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return true;
  for (std::size_t i = point + 1, digits = 0; i < text.size() && is_digit(text[i]); ++i)
    if (++digits > 6 && text[i] != '0') return false;
  return true;
}

// The engine would drop an offset: what is left of a time after its digits must mean UTC.
bool zone_is_utc(std::string_view text) {
  text = trimmed(text);
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return true;
  std::string_view zone = text.substr(colon);
  const std::size_t begin = zone.find_first_not_of("0123456789:.");
  if (begin == std::string_view::npos) return true;
  zone = trimmed(zone.substr(begin));
  if (zone == "Z" || zone == "z" || zone == "UTC") return true;
  return (zone.front() == '+' || zone.front() == '-') &&
         zone.substr(1).find_first_not_of("0:") == std::string_view::npos;
}

// Calls visit(element, null) for each element of a JSON array's text, strings without their quotes.
// False when it is no flat array; then the engine's cast refuses it as well.
template <typename Visit>
bool for_each_element(std::string_view text, Visit visit) {
  text = trimmed(text);
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  text = trimmed(text.substr(1, text.size() - 2));
  while (!text.empty()) {
    std::size_t end = 0;
    if (text.front() == '"') {
      for (end = 1; end < text.size() && text[end] != '"'; ++end)
        if (text[end] == '\\') ++end;
      if (end >= text.size()) return false;
      visit(text.substr(1, end - 1), false);
      end = std::min(text.find(',', end), text.size());
    } else {
      end = std::min(text.find(',', end), text.size());
      const std::string_view element = trimmed(text.substr(0, end));
      visit(element, element == "null");
    }
    text = end == text.size() ? std::string_view() : trimmed(text.substr(end + 1));
  }
  return true;
}

// In a list the engine's cast makes a NULL of an element that it can't convert, and the list stays:
// here each element has to convert.
bool element_converts(TypeKind kind, std::string_view element) {
  switch (kind) {
    case TypeKind::kInteger:
      return number_of<std::int64_t>(element).has_value();
    case TypeKind::kFloat:
      return number_of<double>(element).has_value();
    case TypeKind::kBoolean:
      return element == "true" || element == "false";
    default:
      return true;
  }
}

bool scalar_fits(const ColumnType& type, std::string_view text) {
  switch (type.kind) {
    case TypeKind::kInteger:
      return integer_fits(text);
    case TypeKind::kFloat:
      return float_fits(text);
    case TypeKind::kDecimal:
      return decimal_fits(text, type.scale);
    case TypeKind::kDate:
      return date_fits(text);
    case TypeKind::kTime:
      return fraction_fits(text);
    case TypeKind::kTimestamp:
      return fraction_fits(text) && zone_is_utc(text);
    case TypeKind::kTimestampTz:
      return fraction_fits(text);
    case TypeKind::kBoolean:
    case TypeKind::kText:
    case TypeKind::kBlob:
    case TypeKind::kUuid:
    case TypeKind::kJson:
      return true;
  }
  return true;
}

Error unknown(std::string_view sql) {
  return Error{ErrorClass::kUser, "schema.type_unknown",
               "\"" + std::string(sql) + "\" is no type of a column",
               "docs/types.md lists the types, such as BIGINT, DOUBLE, VARCHAR, TIMESTAMP"};
}

// "18,2" → 18 and 2; "18" → 18 and 0.
Result<ColumnType> decimal_of(std::string_view arguments, std::string_view sql) {
  const std::size_t comma = std::min(arguments.find(','), arguments.size());
  const std::string_view after = arguments.substr(std::min(comma + 1, arguments.size()));
  const std::optional<int> precision = number_of(trimmed(arguments.substr(0, comma)));
  const std::optional<int> scale =
      comma == arguments.size() ? std::optional(0) : number_of(trimmed(after));
  if (!precision || !scale || *precision < 1 || *precision > 38 || *scale < 0 ||
      *scale > *precision)
    return Error{ErrorClass::kUser, "schema.type_invalid",
                 "\"" + std::string(sql) + "\" has no precision from 1 to 38 and scale up to it",
                 "write it as DECIMAL(18,2)"};
  return ColumnType{TypeKind::kDecimal, false, static_cast<std::uint8_t>(*scale),
                    "DECIMAL(" + std::to_string(*precision) + "," + std::to_string(*scale) + ")"};
}

}  // namespace

Result<ColumnType> parse_column_type(std::string_view sql) {
  std::string upper(trimmed(sql));
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  });
  std::string_view name = upper;
  const bool list = name.ends_with("[]");
  if (list) name.remove_suffix(2);
  std::string_view arguments;
  if (const std::size_t open = name.find('('); open != std::string_view::npos) {
    if (name.back() != ')') return unknown(sql);
    arguments = name.substr(open + 1, name.size() - open - 2);
    name = trimmed(name.substr(0, open));
  }
  const auto* const found = std::ranges::find(kSpellings, name, &Spelling::name);
  if (found == kSpellings.end()) return unknown(sql);
  // A length in VARCHAR(80) bounds nothing, as in the engine.
  if (!arguments.empty() && found->kind != TypeKind::kDecimal && found->kind != TypeKind::kText)
    return unknown(sql);
  ColumnType type{found->kind, false, 0, std::string(found->sql)};
  if (found->kind == TypeKind::kDecimal) {
    MILLRACE_TRY(decimal, decimal_of(arguments.empty() ? "18,3" : arguments, sql));
    type = std::move(decimal);
  }
  if (list) {
    if (std::ranges::find(kListElements, type.sql) == kListElements.end())
      return Error{ErrorClass::kUser, "schema.type_unknown",
                   "\"" + std::string(sql) + "\" is no type of a column",
                   "a list holds BOOLEAN, BIGINT, DOUBLE or VARCHAR; take JSON for other ones", ""};
    type.list = true;
    type.sql += "[]";
  }
  return type;
}

std::string cast_expression(const ColumnType& type, const std::string& expression) {
  if (type.list) return "TRY_CAST(TRY_CAST(" + expression + " AS JSON) AS " + type.sql + ")";
  if (type.kind == TypeKind::kText) return expression;
  return "TRY_CAST(" + expression + " AS " + type.sql + ")";
}

bool text_fits(const ColumnType& type, std::string_view text) {
  if (!type.list) return scalar_fits(type, text);
  bool fits = true;
  for_each_element(text, [&](std::string_view element, bool null) {
    fits = fits && (null || element_converts(type.kind, element));
  });
  return fits;
}

bool every_text_fits(const ColumnType& type) {
  if (type.list) return type.kind == TypeKind::kText;
  switch (type.kind) {
    case TypeKind::kBoolean:
    case TypeKind::kText:
    case TypeKind::kBlob:
    case TypeKind::kUuid:
    case TypeKind::kJson:
      return true;
    default:
      return false;
  }
}

}  // namespace millrace::kernel
