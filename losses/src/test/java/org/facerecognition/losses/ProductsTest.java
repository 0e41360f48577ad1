package org.facerecognition.losses;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProductsTest {
    @ParameterizedTest
    @CsvSource({"1, 1, 1", "1, 5, 7", "128, 300, 64", "3, 2048, 17"})
    void multipliesByTheTransposed(int m, int n, int k) {
        try (PointerScope scope = new PointerScope()) {
            Tensor a = torch.randn(m, k);
            Tensor b = torch.randn(n, k);
            Tensor exact = a.to(ScalarType.Double).mm(b.to(ScalarType.Double).t());
            assertClose(Products.timesTransposed(a, b), exact);
            assertClose(Products.timesTransposed(a, b.t().contiguous().t()), exact); // a transposed view
            assertClose(Products.timesTransposed(a.to(ScalarType.Double), b.to(ScalarType.Double)), exact);
            assertThat(Shapes.of(Products.timesTransposed(a, b))).isEqualTo("[" + m + ", " + n + "]");
        }
    }

    private static void assertClose(Tensor actual, Tensor exact) {
        assertThat(actual.to(ScalarType.Double).sub(exact).abs().max().item_double())
                .isLessThan(2e-4);
    }
}
