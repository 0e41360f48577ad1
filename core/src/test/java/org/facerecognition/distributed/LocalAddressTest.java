package org.facerecognition.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.assertj.core.api.Assumptions.assumeThatThrownBy;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocalAddressTest {
    private static List<InetAddress> ofInterfaces() throws SocketException {
        return NetworkInterface.networkInterfaces()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(address -> !address.isLoopbackAddress() && !address.isLinkLocalAddress())
                .toList();
    }

    /** Debian's name of a machine leads there on the machine itself: other machines found no rank at its address. */
    @Test
    void aNameThatLeadsToLoopbackIsOfThisMachine() throws Exception {
        List<InetAddress> addresses = ofInterfaces();
        assumeThat(addresses).as("addresses of network interfaces").isNotEmpty();
        assertThat(InetAddress.getByName(LocalAddress.towards("127.0.1.1", 29_500, false)))
                .isIn(addresses);
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "127.0.0.1"})
    void aGroupOfOneMachineStaysOnLoopback(String host) throws Exception {
        assertThat(InetAddress.getByName(LocalAddress.towards(host, 29_500, false))
                        .isLoopbackAddress())
                .isTrue();
    }

    /** Kubeflow's operator calls the first pod localhost to itself: the others were told to look at themselves. */
    @Test
    void aRankThatAloneIsCalledLocalhostIsFoundByOthers() throws Exception {
        List<InetAddress> addresses = ofInterfaces();
        assumeThat(addresses).as("addresses of network interfaces").isNotEmpty();
        assertThat(InetAddress.getByName(LocalAddress.towards("localhost", 29_500, true)))
                .isIn(addresses);
        assertThat(LocalAddress.towards("127.0.0.1", 29_500, true)).isEqualTo("127.0.0.1");
    }

    @Test
    void anUnknownNameIsSaid() {
        assumeThatThrownBy(() -> InetAddress.getByName("nosuch.invalid"))
                .as("names are not answered by a server that knows all of them")
                .isInstanceOf(UnknownHostException.class);
        assertThatThrownBy(() -> LocalAddress.towards("nosuch.invalid", 29_500, false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no network interface of this machine leads to nosuch.invalid")
                .hasMessageContaining("GLOO_SOCKET_IFNAME");
    }
}
