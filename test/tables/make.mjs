// Makes the Parquet files of this folder by DuckDB (1.5.6), which the tests do not need. Run where @duckdb/node-api is installed:
//
//   node test/tables/make.mjs FOLDER_OF_EXAMPLES FOLDER_TO_WRITE

import { DuckDBInstance } from "@duckdb/node-api";

const [examples, folder] = process.argv.slice(2);
const connection = await (await DuckDBInstance.create(":memory:")).connect();
const write = (name, query, options = "") => connection.run(`copy (${query}) to '${folder}/${name}.parquet' (format parquet${options})`);

for (const codec of ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"]) {
  await write(`penguins-${codec}`, `select * from read_csv('${examples}/penguins.csv', nullstr='')`, `, codec '${codec}'`);
}
await write("types", `select i::bigint as big, 9007199254740993::bigint + i as huge, i * 0.5 as half, i % 3 = 0 as flag, date '2024-01-01' + i::int as day,
  (i * 1.25)::decimal(9, 2) as price, case when i % 5 = 0 then null else 'k' || (i % 4) end as kind from range(40) t(i)`);
await write("groups", "select i % 7 as x, i % 5 as y from range(5000) t(i)", ", row_group_size 2048");
await write("list", "select [i, i] as list, i as y from range(10) t(i)");
