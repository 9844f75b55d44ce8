// The whole WebSocket component, server and client: include this and link evio::websocket.
#pragma once

#include <evio/websocket/client.hpp>
#include <evio/websocket/handlers.hpp>
#include <evio/websocket/message.hpp>
#include <evio/websocket/server.hpp>
#include <evio/websocket/settings.hpp>
#include <evio/websocket/socket.hpp>
#include <evio/websocket/topics.hpp>
