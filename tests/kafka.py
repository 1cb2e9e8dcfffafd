"""A cluster and a consumer of Kafka, of librdkafka: what the tests of Kafka talk to.

cluster N TOPIC          runs until its input ends; prints where its brokers are
consume BROKERS TOPIC    prints every record as a line of JSON until its input ends
"""

import json
import sys
import threading

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient


def say(what):
    print(json.dumps(what), flush=True)


def cluster(brokers, topic):
    producer = Producer({"bootstrap.servers": "nowhere:1", "test.mock.num.brokers": int(brokers), "log_level": 0})
    found = producer.list_topics(timeout=30)
    addresses = [f"{broker.host}:{broker.port}" for _, broker in sorted(found.brokers.items())]
    # Asked for, it is there.
    AdminClient({"bootstrap.servers": ",".join(addresses), "log_level": 0}).list_topics(topic, timeout=30)
    say({"brokers": addresses, "cluster": found.cluster_id})
    sys.stdin.read()


def consume(brokers, topic):
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "tests", "enable.auto.commit": False, "log_level": 0})
    found = consumer.list_topics(topic, timeout=30).topics[topic]
    consumer.assign([TopicPartition(topic, partition, 0) for partition in found.partitions])
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    while not ended.is_set():
        for message in consumer.consume(5000, timeout=0.2):
            if message.error():
                say({"error": str(message.error())})
                continue
            say({
                "partition": message.partition(),
                "offset": message.offset(),
                "key": message.key().decode(),
                "headers": {name: value.decode() for name, value in message.headers() or []},
                "value": json.loads(message.value()),
            })


{"cluster": cluster, "consume": consume}[sys.argv[1]](*sys.argv[2:])
