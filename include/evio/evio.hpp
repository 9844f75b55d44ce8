// The whole core of the library: include this. HTTP, WebSocket, metrics and the simulation have
// headers of their own.
#pragma once

#include <evio/action.hpp>
#include <evio/address.hpp>
#include <evio/attributes.hpp>
#include <evio/backend.hpp>
#include <evio/balance.hpp>
#include <evio/binding.hpp>
#include <evio/callback.hpp>
#include <evio/codec.hpp>
#include <evio/codecs.hpp>
#include <evio/conn.hpp>
#include <evio/context.hpp>
#include <evio/duration.hpp>
#include <evio/error.hpp>
#include <evio/events.hpp>
#include <evio/handle.hpp>
#include <evio/input.hpp>
#include <evio/loop.hpp>
#include <evio/options.hpp>
#include <evio/reconnect.hpp>
#include <evio/server.hpp>
#include <evio/server_timer.hpp>
#include <evio/shared_bytes.hpp>
#include <evio/socket.hpp>
#include <evio/stats.hpp>
#include <evio/timer.hpp>
#include <evio/trace.hpp>
#include <evio/version.hpp>
#include <evio/watch.hpp>
#include <evio/write_result.hpp>
