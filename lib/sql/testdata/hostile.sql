-- SQL that tries to reach out of a query or to take the machine down. Read by lib/sql's tests and by the
-- runner's tests of the closed engine.
--
-- A block is an `-- id:` line, an `-- expect:` line, then the text up to the next block. `expect` is the
-- code that the analysis refuses it with; `limits` marks a text that is allowed, as nothing in it tells what
-- it will use: the runner's limits (time, memory, rows) have to end it, or it ends by itself in an error.
-- /canary/secret.csv stands for a file that a test puts somewhere and expects never to see the content of.

-- id: file_by_name
-- expect: sql.table_name
SELECT * FROM '/canary/secret.csv'

-- id: file_by_quoted_name
-- expect: sql.table_name
SELECT * FROM "/canary/secret.csv"

-- id: file_by_relative_name
-- expect: sql.table_name
SELECT * FROM 'secret.parquet'

-- id: file_in_join
-- expect: sql.table_name
SELECT * FROM flights f JOIN '/canary/secret.csv' s ON true

-- id: file_in_subquery
-- expect: sql.table_name
SELECT (SELECT max(column0) FROM '/canary/secret.csv')

-- id: file_in_exists
-- expect: sql.table_name
SELECT 1 WHERE EXISTS (FROM '/canary/secret.csv')

-- id: file_in_cte
-- expect: sql.table_name
WITH x AS (FROM '/canary/secret.csv') SELECT * FROM x

-- id: file_behind_cte_name
-- expect: sql.table_name
WITH "/canary/secret.csv" AS (SELECT 1) SELECT * FROM "/canary/secret.csv"

-- id: file_as_unread_cte_name
-- expect: sql.table_name
WITH "/canary/secret.csv" AS (SELECT 1) SELECT 1

-- id: engine_name_as_cte_name
-- expect: sql.table_name
WITH pg_settings AS (SELECT 1) SELECT 1

-- id: file_in_order_by
-- expect: sql.table_name
SELECT 1 ORDER BY (SELECT count(*) FROM '/canary/secret.csv')

-- id: file_in_limit
-- expect: sql.table_name
SELECT 1 LIMIT (SELECT count(*) FROM '/canary/secret.csv')

-- id: file_in_window
-- expect: sql.table_name
SELECT sum(1) OVER (ORDER BY (SELECT count(*) FROM '/canary/secret.csv'))

-- id: file_in_filter
-- expect: sql.table_name
SELECT sum(1) FILTER (WHERE EXISTS (FROM '/canary/secret.csv'))

-- id: file_in_star_replace
-- expect: sql.table_name
SELECT * REPLACE ((SELECT max(column0) FROM '/canary/secret.csv') AS a) FROM t

-- id: file_in_values
-- expect: sql.table_name
VALUES ((SELECT max(column0) FROM '/canary/secret.csv'))

-- id: file_in_union
-- expect: sql.table_name
SELECT 1 UNION ALL FROM '/canary/secret.csv'

-- id: file_in_recursive
-- expect: sql.table_name
WITH RECURSIVE r AS (SELECT 1 UNION ALL (SELECT 1 FROM '/canary/secret.csv', r)) FROM r

-- id: file_in_case
-- expect: sql.table_name
SELECT CASE WHEN EXISTS (FROM '/canary/secret.csv') THEN 1 END

-- id: file_in_pivot
-- expect: sql.table_name
FROM '/canary/secret.csv' PIVOT (sum(x) FOR y IN (1, 2))

-- id: file_in_lateral
-- expect: sql.table_name
SELECT * FROM t, LATERAL (SELECT t.a, s.* FROM '/canary/secret.csv' s)

-- id: file_in_range_argument
-- expect: sql.table_name
SELECT * FROM range((SELECT count(*) FROM '/canary/secret.csv'))

-- id: file_in_function_argument
-- expect: sql.table_name
SELECT lower((SELECT max(column0) FROM '/canary/secret.csv'))

-- id: file_in_in
-- expect: sql.table_name
SELECT 1 IN (FROM '/canary/secret.csv')

-- id: file_in_having
-- expect: sql.table_name
SELECT count(*) FROM t HAVING EXISTS (FROM '/canary/secret.csv')

-- id: file_in_qualify
-- expect: sql.table_name
SELECT 1 FROM t QUALIFY EXISTS (FROM '/canary/secret.csv')

-- id: file_by_url
-- expect: sql.table_name
SELECT * FROM 'https://127.0.0.1/secret.csv'

-- id: file_by_s3
-- expect: sql.table_name
SELECT * FROM 's3://bucket/secret.parquet'

-- id: proc_environ
-- expect: sql.table_name
SELECT * FROM '/proc/self/environ'

-- id: glob_by_name
-- expect: sql.table_name
SELECT * FROM '/canary/*.csv'

-- id: read_csv
-- expect: sql.table_function_refused
SELECT * FROM read_csv('/canary/secret.csv')

-- id: read_csv_auto
-- expect: sql.table_function_refused
SELECT * FROM read_csv_auto('/canary/secret.csv')

-- id: read_text
-- expect: sql.table_function_refused
SELECT content FROM read_text('/canary/secret.csv')

-- id: read_blob
-- expect: sql.table_function_refused
SELECT content FROM read_blob('/canary/secret.csv')

-- id: read_json
-- expect: sql.table_function_refused
SELECT * FROM read_json('/canary/secret.csv', format := 'unstructured')

-- id: read_ndjson_objects
-- expect: sql.table_function_refused
SELECT * FROM read_ndjson_objects('/canary/secret.csv')

-- id: read_parquet
-- expect: sql.table_function_refused
SELECT * FROM read_parquet(['/canary/secret.parquet'])

-- id: parquet_scan
-- expect: sql.table_function_refused
SELECT * FROM parquet_scan('/canary/secret.parquet')

-- id: parquet_metadata
-- expect: sql.table_function_refused
SELECT * FROM parquet_metadata('/canary/secret.parquet')

-- id: read_duckdb
-- expect: sql.table_function_refused
SELECT * FROM read_duckdb('/canary/secret.db', table_name := 't')

-- id: read_csv_upper_case
-- expect: sql.table_function_refused
SELECT * FROM READ_CSV('/canary/secret.csv')

-- id: read_csv_quoted
-- expect: sql.table_function_refused
SELECT * FROM "read_csv"('/canary/secret.csv')

-- id: read_csv_of_schema
-- expect: sql.table_function_refused
SELECT * FROM main.read_csv('/canary/secret.csv')

-- id: read_csv_of_catalog
-- expect: sql.table_function_refused
SELECT * FROM system.main.read_csv('/canary/secret.csv')

-- id: range_of_other_schema
-- expect: sql.table_function_refused
SELECT * FROM other.range(3)

-- id: sniff_csv
-- expect: sql.table_function_refused
SELECT * FROM sniff_csv('/canary/secret.csv')

-- id: glob
-- expect: sql.table_function_refused
SELECT * FROM glob('/canary/*')

-- id: query
-- expect: sql.table_function_refused
SELECT * FROM query('FROM read_text(''/canary/secret.csv'')')

-- id: query_table
-- expect: sql.table_function_refused
SELECT * FROM query_table('/canary/secret.csv')

-- id: query_table_of_list
-- expect: sql.table_function_refused
SELECT * FROM query_table(['a', 'b'])

-- id: json_execute
-- expect: sql.table_function_refused
SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))

-- id: lateral_read_text
-- expect: sql.table_function_refused
SELECT * FROM t, LATERAL (SELECT * FROM read_text(t.path))

-- id: read_text_in_scalar_subquery
-- expect: sql.table_function_refused
SELECT (SELECT content FROM read_text('/canary/secret.csv'))

-- id: settings
-- expect: sql.table_function_refused
SELECT * FROM duckdb_settings()

-- id: secrets
-- expect: sql.table_function_refused
SELECT * FROM duckdb_secrets(redact := false)

-- id: which_secret
-- expect: sql.table_function_refused
SELECT * FROM which_secret('s3://bucket/x', 's3')

-- id: databases
-- expect: sql.table_function_refused
SELECT path FROM duckdb_databases()

-- id: views
-- expect: sql.table_function_refused
SELECT sql FROM duckdb_views()

-- id: temporary_files
-- expect: sql.table_function_refused
SELECT path FROM duckdb_temporary_files()

-- id: external_file_cache
-- expect: sql.table_function_refused
SELECT path FROM duckdb_external_file_cache()

-- id: logs
-- expect: sql.table_function_refused
SELECT * FROM duckdb_logs()

-- id: enable_logging
-- expect: sql.table_function_refused
SELECT * FROM enable_logging(storage := 'file', storage_config := {'path': '/canary/log'})

-- id: enable_profiling
-- expect: sql.table_function_refused
SELECT * FROM enable_profiling(save_location := '/canary/profile')

-- id: checkpoint_function
-- expect: sql.table_function_refused
SELECT * FROM checkpoint('memory')

-- id: pragma_as_function
-- expect: sql.table_function_refused
SELECT * FROM pragma_database_size()

-- id: summary
-- expect: sql.table_function_refused
SELECT * FROM summary((FROM t))

-- id: repeat_rows
-- expect: sql.table_function_refused
SELECT * FROM repeat_row(1, num_rows := 1000000000000)

-- id: repeat_as_table
-- expect: sql.table_function_refused
SELECT * FROM repeat('x', 1000000000000)

-- id: arrow_scan
-- expect: sql.table_function_refused
SELECT * FROM arrow_scan(1, 2, 3)

-- id: seq_scan
-- expect: sql.table_function_refused
SELECT * FROM seq_scan()

-- id: test_all_types
-- expect: sql.table_function_refused
SELECT * FROM test_all_types()

-- id: unknown_table_function
-- expect: sql.table_function_refused
SELECT * FROM st_read('/canary/secret.csv')

-- id: postgres_scan
-- expect: sql.table_function_refused
SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')

-- id: sqlite_master
-- expect: sql.table_name
SELECT sql FROM sqlite_master

-- id: pg_settings
-- expect: sql.table_name
SELECT * FROM pg_settings

-- id: duckdb_views_by_name
-- expect: sql.table_name
SELECT * FROM duckdb_views

-- id: duckdb_logs_by_name
-- expect: sql.table_name
SELECT * FROM DUCKDB_LOGS

-- id: pragma_database_list
-- expect: sql.table_name
SELECT * FROM pragma_database_list

-- id: information_schema
-- expect: sql.table_name
SELECT * FROM information_schema.tables

-- id: pg_catalog
-- expect: sql.table_name
SELECT * FROM pg_catalog.pg_class

-- id: table_of_schema
-- expect: sql.table_name
SELECT * FROM main.flights

-- id: table_of_catalog
-- expect: sql.table_name
SELECT * FROM other.main.flights

-- id: getenv
-- expect: sql.function_refused
SELECT getenv('HOME')

-- id: current_setting
-- expect: sql.function_refused
SELECT current_setting('temp_directory')

-- id: getvariable
-- expect: sql.function_refused
SELECT getvariable('x')

-- id: nextval
-- expect: sql.function_refused
SELECT nextval('s')

-- id: setseed
-- expect: sql.function_refused
SELECT setseed(0.5)

-- id: write_log
-- expect: sql.function_refused
SELECT write_log('x', level := 'warn')

-- id: json_serialize_plan
-- expect: sql.function_refused
SELECT json_serialize_plan('FROM ''/canary/secret.csv''')

-- id: current_query
-- expect: sql.function_refused
SELECT current_query()

-- id: function_of_schema
-- expect: sql.function_refused
SELECT pg_catalog.pg_typeof(1)

-- id: function_of_catalog
-- expect: sql.function_refused
SELECT system.main.upper('x')

-- id: getenv_in_columns
-- expect: sql.function_refused
SELECT COLUMNS(getenv('HOME')) FROM t

-- id: getenv_in_window
-- expect: sql.function_refused
SELECT getenv('HOME') OVER ()

-- id: getenv_in_order
-- expect: sql.function_refused
SELECT string_agg(a ORDER BY getenv('HOME')) FROM t

-- id: getenv_in_group
-- expect: sql.function_refused
SELECT 1 FROM t GROUP BY getenv('HOME')

-- id: getenv_in_distinct_on
-- expect: sql.function_refused
SELECT DISTINCT ON (getenv('HOME')) a FROM t

-- id: getenv_in_join
-- expect: sql.function_refused
SELECT 1 FROM t JOIN u ON getenv('HOME') = t.a

-- id: getenv_in_struct
-- expect: sql.function_refused
SELECT {'a': [getenv('HOME')]}

-- id: getenv_in_cast
-- expect: sql.function_refused
SELECT getenv('HOME')::JSON -> '$.a'

-- id: getenv_in_unpivot
-- expect: sql.function_refused
SELECT * FROM (SELECT getenv('HOME') a) UNPIVOT (v FOR n IN (a))

-- id: unknown_function
-- expect: sql.function_unknown
SELECT http_get('http://127.0.0.1/')

-- id: extension_function
-- expect: sql.function_unknown
SELECT load_aws_credentials()

-- id: copy_out
-- expect: sql.not_select
COPY (SELECT 1) TO '/canary/out.csv'

-- id: copy_in
-- expect: sql.not_select
COPY t FROM '/canary/secret.csv'

-- id: attach
-- expect: sql.not_select
ATTACH '/canary/secret.db' AS x

-- id: attach_memory
-- expect: sql.not_select
ATTACH ':memory:' AS x

-- id: use
-- expect: sql.not_select
USE x

-- id: set
-- expect: sql.not_select
SET memory_limit = '100GB'

-- id: reset
-- expect: sql.not_select
RESET memory_limit

-- id: pragma
-- expect: sql.not_select
PRAGMA enable_profiling

-- id: install
-- expect: sql.not_select
INSTALL httpfs

-- id: load
-- expect: sql.not_select
LOAD '/canary/evil.duckdb_extension'

-- id: call
-- expect: sql.not_select
CALL enable_logging()

-- id: create_table
-- expect: sql.not_select
CREATE TABLE x AS SELECT 1

-- id: create_macro
-- expect: sql.not_select
CREATE MACRO m() AS TABLE FROM '/canary/secret.csv'

-- id: create_secret
-- expect: sql.not_select
CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')

-- id: insert
-- expect: sql.not_select
INSERT INTO flights VALUES (1)

-- id: delete
-- expect: sql.not_select
DELETE FROM flights

-- id: drop
-- expect: sql.not_select
DROP VIEW flights

-- id: export
-- expect: sql.not_select
EXPORT DATABASE '/canary/out'

-- id: import
-- expect: sql.not_select
IMPORT DATABASE '/canary/in'

-- id: explain_analyze
-- expect: sql.not_select
EXPLAIN ANALYZE SELECT 1

-- id: prepare
-- expect: sql.not_select
PREPARE p AS SELECT 1

-- id: execute
-- expect: sql.not_select
EXECUTE p

-- id: vacuum
-- expect: sql.not_select
VACUUM

-- id: checkpoint
-- expect: sql.not_select
CHECKPOINT

-- id: begin
-- expect: sql.not_select
BEGIN

-- id: dynamic_pivot
-- expect: sql.not_select
PIVOT t ON x USING sum(y)

-- id: dynamic_pivot_in_subquery
-- expect: sql.not_select
SELECT * FROM (PIVOT t ON x USING sum(y))

-- id: two_selects
-- expect: sql.several_statements
SELECT 1; SELECT 2

-- id: select_then_copy
-- expect: sql.not_select
SELECT 1; COPY (SELECT 1) TO '/canary/out.csv'

-- id: set_then_select
-- expect: sql.not_select
SET threads = 100; SELECT 1

-- id: copy_in_comment_trick
-- expect: sql.not_select
SELECT 1 /* ; */ ; -- ;
COPY (SELECT 1) TO '/canary/out.csv'

-- id: insert_in_cte
-- expect: sql.syntax
WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x

-- id: select_into
-- expect: sql.syntax
SELECT 1 INTO t

-- id: show_tables
-- expect: sql.node_refused
SHOW TABLES

-- id: show_all_tables
-- expect: sql.node_refused
SHOW ALL TABLES

-- id: describe
-- expect: sql.node_refused
DESCRIBE flights

-- id: describe_file
-- expect: sql.node_refused
DESCRIBE FROM '/canary/secret.csv'

-- id: summarize
-- expect: sql.node_refused
SUMMARIZE flights

-- id: show_in_subquery
-- expect: sql.node_refused
SELECT * FROM (SHOW TABLES)

-- id: describe_in_cte
-- expect: sql.node_refused
WITH x AS (FROM (DESCRIBE t)) FROM x

-- id: pivot_in_subquery
-- expect: sql.syntax
FROM t PIVOT (sum(x) FOR y IN (SELECT a FROM u))

-- id: pivot_in_enum
-- expect: sql.node_refused
FROM t PIVOT (sum(x) FOR y IN an_enum)

-- id: time_travel
-- expect: sql.node_refused
SELECT * FROM t AT (VERSION => 1)

-- id: default_value
-- expect: sql.node_refused
SELECT DEFAULT

-- id: export_state
-- expect: sql.node_refused
SELECT sum(a) EXPORT_STATE FROM t

-- id: type_of_extension
-- expect: sql.type_refused
SELECT '127.0.0.1'::INET

-- id: type_of_schema
-- expect: sql.type_refused
SELECT 1::other.thing

-- id: geometry
-- expect: sql.type_refused
SELECT 'POINT (1 1)'::GEOMETRY

-- id: big_number
-- expect: sql.type_refused
SELECT repeat('7', 10000)::BIGNUM

-- id: big_number_in_list
-- expect: sql.type_refused
SELECT l::BIGNUM[] FROM t

-- id: variant
-- expect: sql.type_refused
SELECT a::VARIANT FROM t

-- id: positional_parameter
-- expect: sql.parameter
SELECT ?

-- id: numbered_parameter
-- expect: sql.parameter
SELECT $1

-- id: levenshtein
-- expect: sql.function_refused
SELECT levenshtein(repeat('a', 10000), repeat('b', 10000))

-- id: damerau_levenshtein
-- expect: sql.function_refused
SELECT damerau_levenshtein(a.s, b.s) FROM t a, t b

-- id: jaro_winkler
-- expect: sql.function_refused
SELECT jaro_winkler_similarity(a.s, b.s) FROM t a, t b

-- id: list_reduce
-- expect: sql.function_refused
SELECT list_reduce(range(1000000), lambda a, b: a + b)

-- id: list_transform
-- expect: sql.function_refused
SELECT list_transform(range(1000000), lambda x: repeat('a', 10000))

-- id: list_filter
-- expect: sql.function_refused
SELECT list_filter(range(1000000), lambda x: x > 1)

-- id: list_comprehension
-- expect: sql.function_refused
SELECT [x + 1 FOR x IN range(1000000)]

-- id: columns_lambda
-- expect: sql.function_refused
SELECT COLUMNS(lambda c: c LIKE 'a%') FROM t

-- id: aggregate_by_name
-- expect: sql.function_refused
SELECT list_aggregate(range(1000000), 'histogram')

-- id: sleep
-- expect: sql.function_refused
SELECT sleep_ms(1000000)

-- id: pg_sleep
-- expect: sql.function_refused
SELECT pg_sleep(1000)

-- id: bitstring_agg
-- expect: sql.function_refused
SELECT bitstring_agg(i, 0, 900000000) FROM t

-- id: json_structure
-- expect: sql.function_refused
SELECT json_structure(repeat('[', 10000) || repeat(']', 10000))

-- id: json_merge_patch
-- expect: sql.function_refused
SELECT json_merge_patch(a, b) FROM t

-- id: json_contains
-- expect: sql.function_refused
SELECT json_contains(a, a) FROM t

-- id: json_pretty
-- expect: sql.function_refused
SELECT json_pretty(a) FROM t

-- id: parse_path
-- expect: sql.function_refused
SELECT parse_path(repeat('/a', 10000))

-- id: huge_repeat
-- expect: sql.argument_refused
SELECT repeat('x', 1000000000)

-- id: huge_repeat_of_column
-- expect: sql.argument_refused
SELECT repeat('x', n) FROM t

-- id: huge_repeat_of_parameter
-- expect: sql.argument_refused
SELECT repeat('x', $n)

-- id: huge_repeat_of_sum
-- expect: sql.argument_refused
SELECT repeat('x', 10000 * 10000)

-- id: huge_rpad
-- expect: sql.argument_refused
SELECT rpad('x', 1000000000, 'y')

-- id: huge_lpad
-- expect: sql.argument_refused
SELECT lpad('x', 2000000000, 'y')

-- id: huge_list
-- expect: sql.argument_refused
SELECT range(1000000000)

-- id: huge_list_between
-- expect: sql.argument_refused
SELECT generate_series(-9000000000000000000, 9000000000000000000, 3)

-- id: huge_list_of_column
-- expect: sql.argument_refused
SELECT range(n) FROM t

-- id: huge_list_of_times
-- expect: sql.argument_refused
SELECT generate_series(TIMESTAMP '1900-01-01', TIMESTAMP '2100-01-01', INTERVAL 1 SECOND)

-- id: huge_list_resize
-- expect: sql.argument_refused
SELECT list_resize([1], 1000000000)

-- id: huge_bitstring
-- expect: sql.argument_refused
SELECT bitstring('1', 1000000000)

-- id: huge_format
-- expect: sql.argument_refused
SELECT format('{:1000000000}', 1)

-- id: huge_format_of_argument
-- expect: sql.argument_refused
SELECT format('{:{}}', 1, 1000000000)

-- id: huge_printf
-- expect: sql.argument_refused
SELECT printf('%1000000000d', 1)

-- id: huge_printf_of_argument
-- expect: sql.argument_refused
SELECT printf('%*d', 1000000000, 1)

-- id: format_of_column
-- expect: sql.argument_refused
SELECT format(f, 1) FROM t

-- id: deep_json_structure
-- expect: sql.argument_refused
SELECT from_json('1', repeat('[', 10000) || '"JSON"' || repeat(']', 10000))

-- id: endless_rows
-- expect: limits
SELECT count(*) FROM range(1000000000000000)

-- id: endless_cross_join
-- expect: limits
SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE hash(a.range, b.range) = 1

-- id: endless_recursion
-- expect: limits
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r

-- id: endless_recursion_that_grows
-- expect: limits
WITH RECURSIVE r AS (SELECT 'x' AS s UNION ALL SELECT s || s FROM r) SELECT max(length(s)) FROM r

-- id: doubling_text
-- expect: limits
WITH a AS (SELECT repeat('x', 10000) AS s), b AS (SELECT repeat(s, 10000) AS s FROM a)
SELECT length(s || s || s || s || s || s || s || s || s || s || s || s || s || s || s || s) FROM b

-- id: replacing_text
-- expect: limits
WITH a AS (SELECT repeat('x', 10000) AS s), b AS (SELECT replace(s, 'x', s) AS s FROM a)
SELECT length(replace(s, 'x', s)) FROM b

-- id: long_strftime
-- expect: limits
SELECT length(strftime(now(), repeat(repeat('%c', 10000), 10000)))

-- id: polynomial_like
-- expect: limits
SELECT repeat('a', 10000) LIKE repeat('%a_', 20) || 'b'

-- id: polynomial_glob
-- expect: limits
SELECT repeat('a', 10000) GLOB (repeat('*a?', 20) || 'b')

-- id: huge_sort
-- expect: limits
SELECT * FROM (SELECT i, md5(i::VARCHAR) AS h FROM range(200000000) t(i)) ORDER BY h

-- id: huge_aggregate
-- expect: limits
SELECT length(string_agg(repeat('x', 10000), ',')) FROM range(10000000)

-- id: huge_list_aggregate
-- expect: limits
SELECT len(list(repeat('x', 1000) || i)) FROM range(100000000) t(i)

-- id: huge_group
-- expect: limits
SELECT count(*) FROM (SELECT md5(i::VARCHAR) h FROM range(500000000) t(i) GROUP BY h)

-- id: many_lists
-- expect: limits
SELECT count(*) FROM (SELECT unnest(range(1000000)) FROM range(1000000))

-- id: huge_window
-- expect: limits
SELECT max(s) FROM (SELECT list(i) OVER (ORDER BY i) AS s FROM range(1000000) t(i))

-- id: huge_result
-- expect: limits
SELECT i, repeat('x', 10000) FROM range(100000000) t(i)

-- id: error_on_purpose
-- expect: limits
SELECT error('stop')

-- id: deep_json
-- expect: limits
SELECT json_extract(repeat('[', 10000) || repeat(']', 10000), '$[0]')
