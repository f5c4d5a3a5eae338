// The part of the addon that speaks to other processes.
#pragma once

#include <napi.h>

#include "call.h"

namespace thinkrl {

/** Adds joinGroup, leaveGroup, flightEnds, groupTraffic, reportFailure and lackOfCollectives to the addon's exports. */
void define_collectives(Napi::Env env, Napi::Object exports, Instance* instance);

}  // namespace thinkrl
