# millrace_embed_migrations(OUT NAMESPACE): migrations/*.sql of this folder, in the order of their numbers, as
#   const std::vector<millrace::postgres::Migration>& NAMESPACE::migrations()
# in a source file whose path is put into OUT.
include_guard(GLOBAL)

function(millrace_embed_migrations out namespace)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/migrations/*.sql)
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    get_filename_component(name ${file} NAME_WE)
    string(REGEX MATCH "^0*([0-9]+)_" ignored ${name})
    file(READ ${file} sql)
    string(APPEND entries "      {${CMAKE_MATCH_1}, \"${name}\", R\"sql(${sql})sql\"},\n")
  endforeach()
  set(source ${CMAKE_CURRENT_BINARY_DIR}/migrations.cpp)
  file(CONFIGURE OUTPUT ${source} @ONLY CONTENT "#include <vector>

#include \"lib/postgres/migrations.h\"

namespace @namespace@ {
const std::vector<millrace::postgres::Migration>& migrations() {
  static const std::vector<millrace::postgres::Migration> list = {
@entries@  };
  return list;
}
}  // namespace @namespace@
")
  set(${out} ${source} PARENT_SCOPE)
endfunction()
