// Go's net package: a goroutine per connection, as documented; TCP_NODELAY is its default. TCP echo, close, sink,
// broadcast, sends; UDP echo, sink.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
)

var (
	mode  = flag.String("mode", "echo", "echo, close, sink, broadcast, sends")
	mutex sync.Mutex
	all   = map[net.Conn]bool{}
)

func count(n uint64) []byte {
	return binary.LittleEndian.AppendUint64(nil, n)
}

func serve(conn net.Conn, size int) {
	defer conn.Close()
	if *mode == "broadcast" {
		mutex.Lock()
		all[conn] = true
		mutex.Unlock()
		defer func() {
			mutex.Lock()
			delete(all, conn)
			mutex.Unlock()
		}()
	}
	buffer := make([]byte, size)
	for received := uint64(0); ; {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		received += uint64(n)
		switch {
		case *mode == "broadcast":
			mutex.Lock()
			for other := range all {
				other.Write(buffer[:n])
			}
			mutex.Unlock()
		case *mode == "sends":
			go send(conn)
		case *mode == "sink":
			if n == 1 {
				conn.Write(count(received))
			}
		default:
			if _, err := conn.Write(buffer[:n]); err != nil || *mode == "close" {
				return
			}
		}
	}
}

// In Go another goroutine is used in place of another thread.
func send(conn net.Conn) {
	message := make([]byte, 64)
	for {
		if _, err := conn.Write(message); err != nil {
			return
		}
	}
}

func serveUDP(socket *net.UDPConn) {
	buffer := make([]byte, 65536)
	for received := uint64(0); ; {
		n, peer, err := socket.ReadFromUDPAddrPort(buffer)
		if err != nil {
			continue
		}
		received++
		if *mode == "echo" {
			socket.WriteToUDPAddrPort(buffer[:n], peer)
		} else if n == 1 {
			socket.WriteToUDPAddrPort(count(received), peer)
		}
	}
}

func main() {
	port := flag.Int("port", 0, "port, 0: any")
	udp := flag.Bool("udp", false, "UDP in place of TCP")
	size := flag.Int("buffer", 4<<10, "bytes of each connection's buffer")
	flag.Parse()
	if *udp {
		socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: *port})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("ready %d\n", socket.LocalAddr().(*net.UDPAddr).Port)
		serveUDP(socket)
	}
	listener, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("ready %d\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := listener.Accept()
		if err != nil {
			continue
		}
		go serve(conn, *size)
	}
}
