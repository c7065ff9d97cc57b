#include "lib/sql/functions.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

namespace millrace::sql {
namespace {

// Names between spaces, so that a group reads as a list.
constexpr std::string_view kAllowed[] = {
    // Operators. !__postfix is 5!, ^@ is starts_with, ~~ to !~~* are LIKE and ILIKE, ~~~ is GLOB.
    "+ - * / // % ^ ** @ & | ~ << >> || && <@ @> <-> <=> ->> ^@ ~~ !~~ ~~* !~~* ~~~ !__postfix "
    "add subtract multiply divide fdiv fmod mod xor not_like_escape like_escape ilike_escape "
    "not_ilike_escape",
    // Numbers.
    "abs acos acosh asin asinh atan atan2 atanh bin bit_count cbrt ceil ceiling cos cosh cot "
    "degrees "
    "even exp factorial floor from_binary from_hex gamma gcd greatest greatest_common_divisor "
    "isfinite "
    "isinf isnan lcm least least_common_multiple lgamma ln log log10 log2 nextafter pi pow power "
    "radians "
    "random round round_even roundbankers sign signbit sin sinh sqrt tan tanh to_base to_binary "
    "to_hex "
    "trunc unbin unhex hex",
    // Text.
    "array_to_string ascii bar base64 bit_length char_length character_length chr concat concat_ws "
    "contains decode encode ends_with error format format_bytes formatreadabledecimalsize "
    "formatreadablesize from_base64 instr lcase left left_grapheme len length length_grapheme "
    "lower lpad "
    "ltrim nfc_normalize octet_length ord parse_dirname parse_dirpath parse_filename "
    "parse_formatted_bytes pg_size_pretty position prefix printf repeat replace reverse right "
    "right_grapheme rpad rtrim split split_part starts_with str_split string_split string_to_array "
    "strip_accents strlen strpos substr substring substring_grapheme suffix to_base64 translate "
    "trim "
    "ucase unicode upper url_decode url_encode hamming jaccard mismatches",
    // Regular expressions: RE2's, linear in the text whatever the pattern.
    "regexp_escape regexp_extract regexp_extract_all regexp_full_match regexp_matches "
    "regexp_replace "
    "regexp_split_to_array regexp_split_to_table str_split_regex string_split_regex",
    // Hashes and identifiers.
    "hash md5 md5_number md5_number_lower md5_number_upper sha1 sha256 gen_random_uuid uuid uuidv4 "
    "uuidv7 "
    "uuid_extract_timestamp uuid_extract_version",
    // Dates and times.
    "age ago century current_date current_localtime current_localtimestamp date_add date_diff "
    "date_part "
    "date_sub date_trunc datediff datepart datesub datetrunc day dayname dayofmonth dayofweek "
    "dayofyear "
    "days_in_month decade epoch epoch_ms epoch_ns epoch_us era get_current_time "
    "get_current_timestamp "
    "hour isodow isoyear julian last_day make_date make_time make_timestamp make_timestamp_ms "
    "make_timestamp_ns make_timestamptz microsecond millennium millisecond minute month monthname "
    "nanosecond normalized_interval now quarter second strftime strptime time_bucket timezone "
    "timezone_hour timezone_minute to_centuries to_days to_decades to_hours to_microseconds "
    "to_millennia "
    "to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years "
    "today "
    "transaction_timestamp try_strptime week weekday weekofyear year yearweek",
    // Conditions and types.
    "alias constant_or_null nullif typeof pg_typeof",
    // Lists and arrays.
    "array_append array_cat array_concat array_contains array_cosine_distance "
    "array_cosine_similarity "
    "array_cross_product array_distance array_distinct array_dot_product array_extract "
    "array_grade_up "
    "array_has array_has_all array_has_any array_indexof array_inner_product array_intersect "
    "array_length array_negative_dot_product array_negative_inner_product array_pop_back "
    "array_pop_front array_position array_prepend array_push_back array_push_front array_resize "
    "array_reverse array_reverse_sort array_select array_slice array_sort array_unique array_value "
    "array_where array_zip cardinality element_at flatten generate_series generate_subscripts "
    "grade_up "
    "list_append list_cat list_concat list_contains list_cosine_distance list_cosine_similarity "
    "list_distance list_distinct list_dot_product list_element list_extract list_grade_up list_has "
    "list_has_all list_has_any list_indexof list_inner_product list_intersect "
    "list_negative_dot_product list_negative_inner_product list_pack list_position list_prepend "
    "list_resize list_reverse list_reverse_sort list_select list_slice list_sort list_unique "
    "list_value "
    "list_where list_zip range unnest unpivot_list",
    "list_any_value list_approx_count_distinct list_avg list_bit_and list_bit_or list_bit_xor "
    "list_bool_and list_bool_or list_count list_entropy list_first list_histogram list_kurtosis "
    "list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode list_product "
    "list_sem "
    "list_skewness list_stddev_pop list_stddev_samp list_string_agg list_sum list_var_pop "
    "list_var_samp",
    // Structs, maps, unions, bits.
    "row struct_concat struct_contains struct_extract struct_extract_at struct_has struct_indexof "
    "struct_insert struct_keys struct_pack struct_position struct_update struct_values "
    "map map_concat map_contains map_contains_entry map_contains_value map_entries map_extract "
    "map_extract_value map_from_entries map_keys map_values union_extract union_tag union_value "
    "bit_position bitstring get_bit set_bit",
    // JSON values.
    "array_to_json from_json from_json_strict json json_array json_array_length json_exists "
    "json_extract json_extract_path json_extract_path_text json_extract_string json_keys "
    "json_object "
    "json_quote json_transform json_transform_strict json_type json_valid json_value "
    "row_to_json to_json json_group_array json_group_object",
    // Aggregates.
    "any_value approx_count_distinct approx_quantile approx_top_k arbitrary arg_max arg_max_null "
    "arg_max_nulls_last arg_min arg_min_null arg_min_nulls_last argmax argmin array_agg avg "
    "bit_and "
    "bit_or bit_xor bool_and bool_or corr count count_if count_star countif covar_pop covar_samp "
    "entropy "
    "favg first fsum geomean geometric_mean group_concat histogram histogram_exact "
    "is_histogram_other_bin "
    "equi_width_bins kahan_sum kurtosis kurtosis_pop last list listagg mad max max_by mean median "
    "min "
    "min_by mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count "
    "regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy reservoir_quantile sem skewness "
    "stddev "
    "stddev_pop stddev_samp string_agg sum sumkahan var_pop var_samp variance wavg "
    "weighted_avg",
    // Windows.
    "cume_dist dense_rank fill first_value lag last_value lead nth_value ntile percent_rank rank "
    "rank_dense row_number",
};

constexpr std::string_view kAllowedTableFunctions[] = {"generate_series", "range", "unnest"};

// First match wins; a trailing * matches any end.
struct Refusal {
  std::string_view names;
  std::string_view reason;
};
constexpr Refusal kRefusals[] = {
    // Reach out.
    {"read_* parquet_* sniff_csv glob seq_scan arrow_scan arrow_scan_dumb",
     "it reads files or memory that "
     "the query was not given"},
    {"getenv", "it reads the process's environment"},
    {"query query_table", "it runs SQL or reads tables that are named in a value"},
    {"json_serialize_sql json_deserialize_sql json_serialize_plan json_execute_serialized_sql "
     "sql_auto_complete check_peg_parser enable_peg_parser disable_peg_parser",
     "it handles SQL inside a value"},
    {"which_secret duckdb_* pragma_* pg_timezone_names icu_calendar_names test_all_types "
     "test_vector_types summary histogram_values",
     "it shows the engine, not data"},
    {"current_setting current_schema current_schemas current_database current_catalog "
     "current_query "
     "current_query_id current_connection_id current_transaction_id current_role current_user user "
     "session_user txid_current version in_search_path get_block_size inet_*",
     "it shows the engine's session, which is not the same on another try"},
    // Change something, or wait.
    {"nextval currval getvariable setseed",
     "it uses state of the session, which begins anew on every try"},
    {"enable_logging disable_logging truncate_duckdb_logs write_log parse_duckdb_log_message "
     "enable_profiling disable_profiling checkpoint force_checkpoint",
     "it changes the engine"},
    {"sleep_ms pg_sleep", "it only waits"},
    // Take the machine down.
    {"levenshtein editdist3 damerau_levenshtein jaro_similarity jaro_winkler_similarity",
     "its time grows with the square of its texts, and it hears no interrupt"},
    {"list_reduce array_reduce reduce", "it runs row by row over a list and hears no interrupt"},
    {"list_transform array_transform list_apply array_apply apply list_filter array_filter filter",
     "it copies its captured values for each element and is not counted by the memory limit"},
    {"list_aggregate array_aggregate list_aggr array_aggr aggregate",
     "it takes a function by name"},
    {"parse_path", "its time grows with the square of its text, and it hears no interrupt"},
    {"json_structure json_group_structure json_merge_patch json_contains",
     "a deeply nested value crashes it"},
    {"json_pretty", "its output grows with the square of the value's nesting"},
    {"bitstring_agg", "it keeps a bit for every number between two bounds, for each group"},
    {"repeat_row", "it makes as many rows as a number says"},
    // Have no use in a query.
    {"__internal_* combine finalize stats vector_type create_sort_key icu_* timetz_byte_comparable "
     "remap_struct array_to_string_comma_default can_cast_implicitly cast_to_type get_type "
     "make_type "
     "replace_type sum_no_overflow switch variant_* enum_* st_*",
     "it is the engine's own, or belongs to a type that datasets do not have"},
    {"pg_* has_*_privilege col_description format_pg_type format_type map_to_pg_oid "
     "obj_description "
     "shobj_description has_*",
     "it stands for a catalog that is not here"},
};

constexpr std::int64_t kMaxCount = 10'000;        // characters or elements, for each row
constexpr std::int64_t kMaxElements = 1'000'000;  // of one list that a literal makes
constexpr std::int64_t kMaxNesting = 100;  // of a JSON structure; deeper ones crash the engine
constexpr ArgumentRule kArgumentRules[] = {
    {"repeat", ArgumentRule::Kind::kCount, 1, kMaxCount},
    {"lpad", ArgumentRule::Kind::kCount, 1, kMaxCount},
    {"rpad", ArgumentRule::Kind::kCount, 1, kMaxCount},
    {"list_resize", ArgumentRule::Kind::kCount, 1, kMaxCount},
    {"array_resize", ArgumentRule::Kind::kCount, 1, kMaxCount},
    {"bitstring", ArgumentRule::Kind::kCount, 1, kMaxCount},
    {"equi_width_bins", ArgumentRule::Kind::kCount, 2, kMaxCount},
    {"range", ArgumentRule::Kind::kSeries, 0, kMaxElements},
    {"generate_series", ArgumentRule::Kind::kSeries, 0, kMaxElements},
    {"from_json", ArgumentRule::Kind::kNested, 1, kMaxNesting},
    {"from_json_strict", ArgumentRule::Kind::kNested, 1, kMaxNesting},
    {"json_transform", ArgumentRule::Kind::kNested, 1, kMaxNesting},
    {"json_transform_strict", ArgumentRule::Kind::kNested, 1, kMaxNesting},
    {"format", ArgumentRule::Kind::kFormat, 0, kMaxCount},
    {"printf", ArgumentRule::Kind::kFormat, 0, kMaxCount},
};

// BIGNUM is missing: its conversion from text takes the square of its digits and hears no
// interrupt.
constexpr std::string_view kTypes[] = {
    "ARRAY",     "BIGINT",      "BIT",          "BLOB",         "BOOLEAN",
    "CHAR",      "DATE",        "DECIMAL",      "DOUBLE",       "FLOAT",
    "HUGEINT",   "INTEGER",     "INTERVAL",     "LIST",         "MAP",
    "NULL",      "SMALLINT",    "STRUCT",       "TIME",         "TIME WITH TIME ZONE",
    "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TINYINT",
    "UBIGINT",   "UHUGEINT",    "UINTEGER",     "UNION",        "USMALLINT",
    "UTINYINT",  "UUID",        "VARCHAR",      "TIME_NS",      "TIMESTAMP WITH TIME ZONE",
};
constexpr std::string_view kNamedTypes[] = {"json"};

// The names of a list, one after the other.
template <typename Visit>
void for_each_name(std::string_view names, Visit visit) {
  while (!names.empty()) {
    const std::size_t space = names.find(' ');
    const std::string_view name = names.substr(0, space);
    if (!name.empty()) visit(name);
    names.remove_prefix(space == std::string_view::npos ? names.size() : space + 1);
  }
}

std::vector<std::string_view> sorted_names() {
  std::vector<std::string_view> names;
  for (std::string_view group : kAllowed) {
    for_each_name(group, [&](std::string_view name) { names.push_back(name); });
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool matches(std::string_view pattern, std::string_view name) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos || pattern.size() == 1) return pattern == name;
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  return name.size() >= head.size() + tail.size() && name.starts_with(head) && name.ends_with(tail);
}

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Edits between two names; both are short here (the caller bounds them).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::span<const std::string_view> allowed_functions() {
  static const std::vector<std::string_view> names = sorted_names();
  return names;
}

bool function_allowed(std::string_view name) {
  const auto names = allowed_functions();
  return std::binary_search(names.begin(), names.end(), name);
}

bool table_function_allowed(std::string_view name) {
  return contains(kAllowedTableFunctions, name);
}

std::string_view refusal_reason(std::string_view name) {
  for (const Refusal& refusal : kRefusals) {
    bool found = false;
    for_each_name(refusal.names,
                  [&](std::string_view pattern) { found |= matches(pattern, name); });
    if (found) return refusal.reason;
  }
  return {};
}

std::string_view nearest_function(std::string_view name) {
  constexpr std::size_t kLongestName = 40;
  if (name.size() < 3 || name.size() > kLongestName) return {};
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  std::string_view best;
  for (std::string_view candidate : allowed_functions()) {
    if (candidate.size() < 3) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

const ArgumentRule* argument_rule(std::string_view name) {
  for (const ArgumentRule& rule : kArgumentRules) {
    if (rule.function == name) return &rule;
  }
  return nullptr;
}

bool type_allowed(std::string_view id) { return contains(kTypes, id); }
bool named_type_allowed(std::string_view name) { return contains(kNamedTypes, name); }

}  // namespace millrace::sql
