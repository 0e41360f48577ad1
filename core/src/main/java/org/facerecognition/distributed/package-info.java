/**
 * Training in several processes, called ranks, on libtorch's own c10d: a TCPStore over which they find each other,
 * Gloo between CPUs and NCCL between GPUs. {@link org.facerecognition.distributed.Distributed} is the group that a
 * launcher's environment describes; {@link org.facerecognition.distributed.LocalRanks} is a launcher for the ranks of
 * one machine.
 */
@NullMarked
package org.facerecognition.distributed;

import org.jspecify.annotations.NullMarked;
