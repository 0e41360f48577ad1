package org.facerecognition.distributed;

import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.Optional;
import java.util.Set;

/** The address of this machine at which the other ranks of a group reach this one. */
final class LocalAddress {
    /** Names with which a launcher says that the group is on one machine. */
    private static final Set<String> ONE_MACHINE = Set.of("localhost", "127.0.0.1", "::1", "[::1]");

    private static final String ELSEWHERE = "192.0.2.1"; // an address for documentation: leads along the default route

    private LocalAddress() {}

    /**
     * Returns the address of the network interface on the way to the group's store. Where the store is on this very
     * machine, its name often leads to 127.0.1.1, as Debian's /etc/hosts has it, which other machines cannot reach:
     * then it is the address of the default route, or of any interface that is up.
     *
     * @param host where the group's store is
     * @param port of the store
     * @param localhostIsOwn whether "localhost" may name this machine in a group of several
     * @throws IllegalStateException when no interface leads there
     */
    static String towards(String host, int port, boolean localhostIsOwn) {
        try {
            InetAddress address = route(host, port);
            boolean oneMachine = ONE_MACHINE.contains(host) && !(localhostIsOwn && host.equals("localhost"));
            if (address.isLoopbackAddress() && !oneMachine) {
                return reachable().orElse(address).getHostAddress();
            }
            return address.getHostAddress();
        } catch (SocketException | IllegalArgumentException e) {
            throw new IllegalStateException(
                    "no network interface of this machine leads to " + host + ": " + e.getMessage()
                            + "; check MASTER_ADDR, or name an interface in GLOO_SOCKET_IFNAME",
                    e);
        }
    }

    private static InetAddress route(String host, int port) throws SocketException {
        try (DatagramSocket unsent = new DatagramSocket()) {
            unsent.connect(new InetSocketAddress(host, port)); // only chooses a route
            return unsent.getLocalAddress();
        }
    }

    private static Optional<InetAddress> reachable() throws SocketException {
        try {
            InetAddress byDefault = route(ELSEWHERE, 9);
            if (isReachable(byDefault)) {
                return Optional.of(byDefault);
            }
        } catch (SocketException e) {
            // there is no default route in a network of its own
        }
        return NetworkInterface.networkInterfaces()
                .filter(LocalAddress::isUp)
                .flatMap(one -> one.getInterfaceAddresses().stream())
                .map(InterfaceAddress::getAddress)
                .filter(LocalAddress::isReachable)
                .findFirst();
    }

    private static boolean isUp(NetworkInterface one) {
        try {
            return one.isUp();
        } catch (SocketException e) {
            return false; // it has just gone
        }
    }

    private static boolean isReachable(InetAddress address) {
        return !address.isLoopbackAddress() && !address.isAnyLocalAddress() && !address.isLinkLocalAddress();
    }
}
