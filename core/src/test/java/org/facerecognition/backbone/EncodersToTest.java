package org.facerecognition.backbone;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.provider.ArgumentsSource;
import org.junit.jupiter.params.support.ParameterDeclarations;

/**
 * Runs a parameterized test with one encoder for each kind of block, or with all encoders if {@code -Dtests.long=true}.
 * The encoders left out by default run the same code with other numbers of blocks.
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ArgumentsSource(EncodersToTest.Provider.class)
public @interface EncodersToTest {
    /** One encoder for each kind of block. */
    Set<Encoder> KINDS = EnumSet.of(
            Encoder.RESNET18,
            Encoder.RESNET50,
            Encoder.EFFICIENTNET_B0,
            Encoder.EFFICIENTNET_V2_M,
            Encoder.IRESNET18,
            Encoder.MOBILEFACENET);

    /** Provides one encoder per invocation. */
    final class Provider implements ArgumentsProvider {
        @Override
        public Stream<Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context) {
            boolean all = Boolean.getBoolean("tests.long");
            return Arrays.stream(Encoder.values())
                    .filter(encoder -> all || KINDS.contains(encoder))
                    .map(Arguments::of);
        }
    }
}
