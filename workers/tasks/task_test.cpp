// What the kinds share, and the description of a publication.
#include "workers/tasks/task.h"

#include <gtest/gtest.h>

#include <string>

#include "workers/tasks/delivery.h"

namespace millrace::tasks {
namespace {

TEST(Task, inputs_stay_below_the_data_root) {
  kernel::Activity activity;
  TaskRequest request;
  request.data_root = "/data";
  request.inputs = {{"t", "s1", "", {{"ns/run/t/part-0.parquet", 3, 100, "", ""}}}};
  const auto view = view_of(request, "t", activity);
  ASSERT_TRUE(view.ok()) << view.error().to_text();
  EXPECT_EQ(view->files.at(0), "/data/ns/run/t/part-0.parquet");
  EXPECT_EQ(activity.rows_read, 3);
  EXPECT_EQ(view_of(request, "other", activity).error().code, "task.input_missing");
  for (const std::string path : {"", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.", "a/"}) {
    request.inputs[0].files[0].path = path;
    EXPECT_EQ(view_of(request, "t", activity).error().code, "task.input_invalid") << path;
  }
}

TEST(Task, an_engine_gets_what_the_grant_leaves) {
  TaskRequest request;
  request.cpu = MilliCpu(1500);
  request.memory = mebibytes(1024);
  EXPECT_EQ(limits_of(request).threads, 2);
  EXPECT_LT(limits_of(request).memory, mebibytes(1024));
  request.memory = mebibytes(10);
  EXPECT_GE(limits_of(request).memory, mebibytes(64)) << "less than that does nothing";
}

TEST(Publication, survives_its_text) {
  const Publication publication{"delays", "s1", "r1",
                                3,        7,    {{"delays-00000.csv", 5, 90, "xxh64:1"}}};
  const auto again = publication_from_json(to_json(publication));
  ASSERT_TRUE(again.ok()) << again.error().to_text();
  EXPECT_EQ(again->dataset, "delays");
  EXPECT_EQ(again->epoch, 7U);
  EXPECT_EQ(again->files, publication.files);
  EXPECT_EQ(published_name("delays-00000.csv", 17), "delays-00000.17.csv");
  EXPECT_EQ(published_name("delays-00000.csv", 17, 2), "delays-00000.17-2.csv");
}

TEST(Publication, with_paths_in_it_is_refused) {
  Publication publication{"delays", "s1", "r1", 3, 7, {{"x.csv", 5, 90, ""}}};
  for (const char* const name : {"../x.csv", "/x.csv", "a/b", "", ".", ".."}) {
    publication.files[0].name = name;
    EXPECT_FALSE(publication_from_json(to_json(publication)).ok()) << name;
  }
  publication.files.clear();
  publication.run_id = "../..";
  EXPECT_FALSE(publication_from_json(to_json(publication)).ok());
  for (const char* const text :
       {"", "{}", "[]", "null", "{\"files\":1}", R"({"dataset":1})",
        R"({"dataset":"d","snapshot":"s","run":"r","task":1,"epoch":1,"files":[{"name":5}]})"})
    EXPECT_EQ(publication_from_json(text).error().code, "deliver.publication_invalid") << text;
}

}  // namespace
}  // namespace millrace::tasks
