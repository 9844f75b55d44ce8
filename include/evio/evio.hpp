// Public. Everything a server needs: include this.
#pragma once

#include <evio/action.hpp>
#include <evio/address.hpp>
#include <evio/backend.hpp>
#include <evio/balance.hpp>
#include <evio/binding.hpp>
#include <evio/buffer.hpp>
#include <evio/codec.hpp>
#include <evio/codecs.hpp>
#include <evio/conn.hpp>
#include <evio/context.hpp>
#include <evio/duration.hpp>
#include <evio/error.hpp>
#include <evio/events.hpp>
#include <evio/handle.hpp>
#include <evio/handler.hpp>
#include <evio/input.hpp>
#include <evio/loop.hpp>
#include <evio/options.hpp>
#include <evio/reconnect.hpp>
#include <evio/server.hpp>
#include <evio/server_timer.hpp>
#include <evio/socket.hpp>
#include <evio/stats.hpp>
#include <evio/timer.hpp>
#include <evio/values.hpp>
