import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.kstream.TimeWindows;

/**
 * Counts the searches of a topic by query and hour, with exactly-once, as Kafka Streams does it.
 * Arguments: brokers, topic, application id, state folder, number of events, whether keys are "query:reader".
 * Prints the seconds from the first event to the last one.
 */
public final class WindowedCount {
  public static void main(String[] arguments) throws InterruptedException {
    String topic = arguments[1];
    long events = Long.parseLong(arguments[4]);
    boolean isPlain = Boolean.parseBoolean(arguments[5]);
    Properties settings = new Properties();
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[2]);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, arguments[3]);
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    settings.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");

    CountDownLatch done = new CountDownLatch(1);
    AtomicLong seen = new AtomicLong();
    AtomicLong counted = new AtomicLong();
    AtomicLong startedNs = new AtomicLong();
    StreamsBuilder builder = new StreamsBuilder();
    KStream<String, byte[]> searches =
        builder.stream(topic, Consumed.with(Serdes.String(), Serdes.ByteArray()))
            .peek((key, value) -> {
              if (seen.getAndIncrement() == 0) startedNs.set(System.nanoTime());
            });
    // Another key moves a record to another partition. The answer is not needed there.
    KStream<String, byte[]> byQuery = !isPlain ? searches : searches
        .map((key, value) -> KeyValue.pair(key.substring(0, key.lastIndexOf(':')), new byte[0]))
        .repartition(Repartitioned.with(Serdes.String(), Serdes.ByteArray()));
    byQuery
        .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
        .windowedBy(TimeWindows.ofSizeWithNoGrace(Duration.ofHours(1)))
        .count(Materialized.with(Serdes.String(), Serdes.Long()));
    byQuery.foreach((key, value) -> {
      if (counted.incrementAndGet() == events) done.countDown();
    });
    try (KafkaStreams streams = new KafkaStreams(builder.build(), settings)) {
      streams.start();
      done.await();
      System.out.println((System.nanoTime() - startedNs.get()) / 1e9);
    }
  }
}
