// check_workflow(): what a schema cannot say of a workflow: that what is named exists, that numbers
// agree with one another. Graph and datasets are graph.h's. Pure.
#pragma once

#include "manifest/generated/types.h"
#include "manifest/problem.h"

namespace millrace::manifest {

Findings check_workflow(const Workflow& workflow);

}  // namespace millrace::manifest
