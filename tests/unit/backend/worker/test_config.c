// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Configurations: what is taken, what is refused and with which words.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "libpvn/guests.h"
#include "worker/config.h"

static struct pvn_problem problem;

static int parse(struct config *config, const char *text)
{
	return config_parse(config, json_loads(text, 0, NULL), "test.json", &problem);
}

static void a_small_configuration_gets_defaults(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, "{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"256M\"}"), 0);
	assert_int_equal(config.memory_bytes, 256u << 20);
	assert_int_equal(config.vps, 1);
	assert_string_equal(config.cmdline, "console=hvc0");
	assert_int_equal(config.on_reboot, ACTION_RESTART);
	assert_int_equal(config.on_crash, ACTION_DESTROY);
	config_free(&config);
}

static void all_keys_are_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config,
		"{\"name\":\"a.b-c_1\",\"kernel\":\"k\",\"initrd\":\"i\",\"cmdline\":\"c\","
		"\"memory\":\"1GiB\",\"vps\":8,\"weight\":200,\"console\":{\"log\":\"l\"},"
		"\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\",\"on_reboot\":\"destroy\","
		"\"on_crash\":\"preserve\",\"disks\":[{\"image\":\"x\"},"
		"{\"image\":\"y\",\"read_only\":true}]}"), 0);
	assert_int_equal(config.disk[1].kind, CONFIG_IMAGE);
	assert_int_equal(config.disk[2].kind, CONFIG_NO_DISK);
	assert_false(config.disk[0].read_only);
	assert_true(config.disk[1].read_only);
	assert_string_equal(config.console_log, "l");
	assert_int_equal(config.console_count, 1);
	assert_int_equal(config.on_crash, ACTION_PRESERVE);
	config_free(&config);
}

#define WITH(more) "{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\"," more "}"
#define IDE "{\"image\":\"x\",\"model\":\"ide\"}"
#define CARD "{\"model\":\"e1000\"}"
#define NETS(text) "{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"64M\",\"nets\":[" text "]}"

static void networks_are_taken(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, NETS("{},{\"bridge\":\"br0\",\"mtu\":9000,\"queues\":2,"
		"\"mac\":\"02:00:5e:10:20:30\",\"spoof_guard\":true,\"link\":false,"
		"\"addresses\":[\"192.0.2.5\",\"2001:db8::5\"],"
		"\"limits\":{\"tx_bytes_per_second\":\"10M\",\"rx_packets_per_second\":5}},"
		"{\"type\":\"user\",\"forward\":[\"tcp:8080:80\"],\"host_loopback\":false}")), 0);
	assert_true(config.net[2].there && !config.net[3].there);
	assert_true(config.net[0].user);
	assert_int_equal(config.net[0].mtu, 1500);
	assert_false(config.net[0].unplugged);
	assert_false(config.net[1].user);
	assert_string_equal(config.net[1].bridge, "br0");
	assert_int_equal(config.net[1].mtu, 9000);
	assert_int_equal(config.net[1].queues, 2);
	assert_true(config.net[1].unplugged);
	assert_true(config.net[1].spoof_guard);
	assert_int_equal(config.net[1].tx_bytes, 10 << 20);
	assert_int_equal(config.net[1].rx_packets, 5);
	assert_true(config.net[2].no_host);
	config_free(&config);
}

static void networks_that_make_no_sense_are_refused(void **state)
{
	static const char *const bad[] = {
		NETS("1"), NETS("{\"type\":\"wire\"}"), NETS("{\"tap\":\"\"}"),
		NETS("{\"tap\":\"a/b\"}"), NETS("{\"tap\":\"sixteen-letters-x\"}"),
		NETS("{\"mac\":\"01:00:5e:10:20:30\"}"), NETS("{\"mac\":\"02:00:5e:10:20\"}"),
		NETS("{\"mac\":\"00:00:00:00:00:00\"}"), NETS("{\"mtu\":67}"), NETS("{\"mtu\":9001}"),
		NETS("{\"queues\":0}"), NETS("{\"type\":\"user\",\"bridge\":\"br0\"}"),
		NETS("{\"bridge\":\"br0\",\"forward\":[]}"), NETS("{\"forward\":[\"tcp:0:80\"]}"),
		NETS("{\"forward\":[\"tcp:80\"]}"), NETS("{\"forward\":[\"tcp:80:70000\"]}"),
		NETS("{\"addresses\":[\"192.0.2.5\"]}"),
		NETS("{\"spoof_guard\":true,\"addresses\":[\"192.0.2\"]}"),
		NETS("{\"limits\":{\"tx_bytes_per_second\":\"fast\"}}"),
		NETS("{\"limits\":{\"tx_packets_per_second\":0}}"),
		NETS("{\"limits\":{\"tx\":1}}"), NETS("{\"speed\":1}"),
	};
	struct config config;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		problem.text[0] = 0;
		if (!parse(&config, bad[i]))
			print_message("# taken: %s\n", bad[i]);
		assert_int_not_equal(problem.text[0], 0);
	}
}

static void devices_are_emulated_when_asked_for(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, WITH("\"disks\":[{\"image\":\"x\",\"model\":\"pv\"}]")), 0);
	assert_false(config_is_emulated(&config));
	config_free(&config);
	assert_int_equal(parse(&config, WITH("\"console\":{\"model\":\"serial\"}")), 0);
	assert_true(config_is_emulated(&config));
	assert_false(config_has_pci(&config));
	assert_string_equal(config.cmdline, "console=ttyS0");
	config_free(&config);
	assert_int_equal(parse(&config, WITH("\"disks\":[{\"image\":\"y\"}," IDE "]")), 0);
	assert_true(config_has_pci(&config));
	assert_false(config.disk[0].ide);
	assert_true(config.disk[1].ide);
	config_free(&config);
	assert_int_equal(parse(&config, WITH("\"disks\":[" IDE "," IDE "," IDE "," IDE "]")), 0);
	config_free(&config);
	assert_int_equal(parse(&config, WITH("\"disks\":[" IDE "," IDE "," IDE "," IDE "," IDE "]")), -1);
	assert_int_equal(parse(&config, WITH("\"nets\":[{\"tap\":\"t\",\"model\":\"e1000\"}]")), 0);
	assert_true(config_has_pci(&config));
	assert_true(config.net[0].e1000);
	config_free(&config);
	assert_int_equal(parse(&config, WITH("\"nets\":[{\"model\":\"e1000\"}]")), 0);
	assert_true(config.net[0].e1000 && config.net[0].user);
	config_free(&config);
	assert_int_equal(parse(&config, WITH("\"nets\":[" CARD "," CARD "," CARD "," CARD "]")), 0);
	config_free(&config);
	assert_int_equal(parse(&config, WITH("\"nets\":[" CARD "," CARD "," CARD "," CARD "," CARD
					     "]")), -1);
	assert_int_equal(parse(&config, WITH("\"nets\":[{\"tap\":\"t\",\"spoof_guard\":true,"
					     "\"model\":\"e1000\"}]")), -1);
	assert_int_equal(parse(&config, WITH("\"nets\":[{\"tap\":\"t\",\"model\":\"ne2k\"}]")), -1);
	assert_int_equal(parse(&config, WITH("\"nets\":[{\"tap\":\"t\",\"queues\":2,"
					     "\"model\":\"e1000\"}]")), -1);
	assert_int_equal(parse(&config, WITH("\"disks\":[{\"image\":\"x\",\"model\":\"scsi\"}]")), -1);
	assert_int_equal(parse(&config, WITH("\"disks\":[{\"null\":\"1M\",\"model\":\"ide\"}]")), -1);
	assert_int_equal(parse(&config, WITH("\"disks\":[{\"image\":\"x\",\"model\":\"ide\","
					     "\"limits\":{\"iops\":1}}]")), -1);
	assert_int_equal(parse(&config, WITH("\"console\":{\"model\":\"ide\"}")), -1);
	assert_int_equal(parse(&config, WITH("\"console\":{\"model\":1}")), -1);
}

#define DEVICES(text) WITH("\"devices\":" text)

static void devices_of_ones_own_are_taken_or_refused(void **state)
{
	static const char *const bad[] = {
		DEVICES("1"), DEVICES("[1]"), DEVICES("[{}]"), DEVICES("[{\"kind\":\"tpm\"}]"),
		DEVICES("[{\"kind\":\"blk\",\"backend\":\"b\"}]"),
		DEVICES("[{\"kind\":\"\",\"backend\":\"b\"}]"),
		DEVICES("[{\"kind\":\"a/b\",\"backend\":\"b\"}]"),
		DEVICES("[{\"kind\":\"0123456789abcdef0123456789abcdef\",\"backend\":\"b\"}]"),
		DEVICES("[{\"kind\":\"tpm\",\"backend\":\"../sh\"}]"),
		DEVICES("[{\"kind\":\"tpm\",\"backend\":\"b\",\"arguments\":\"-v\"}]"),
		DEVICES("[{\"kind\":\"tpm\",\"backend\":\"b\",\"arguments\":[1]}]"),
		DEVICES("[{\"kind\":\"tpm\",\"backend\":\"b\",\"speed\":1}]"),
	};
	struct config config;
	size_t i;

	(void)state;
	assert_int_equal(parse(&config, DEVICES("[{\"kind\":\"tpm\",\"backend\":\"swtpm-pvn\","
						"\"arguments\":[\"--level\",\"2\"]}]")), 0);
	assert_int_equal(config.device_count, 1);
	assert_string_equal(config.device[0].kind, "tpm");
	assert_int_equal(json_array_size(config.device[0].arguments), 2);
	config_free(&config);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		problem = (struct pvn_problem) { 0 };
		assert_int_equal(parse(&config, bad[i]), -1);
		assert_int_equal(problem.code, PVN_EXIT_REFUSED);
	}
}

static void an_unknown_key_is_refused_with_the_nearest(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(parse(&config, "{\"name\":\"a\",\"kernel\":\"k\",\"memroy\":\"1G\"}"), -1);
	assert_non_null(strstr(problem.text, "memroy"));
	assert_non_null(strstr(problem.hint, "\"memory\""));
	assert_int_equal(parse(&config, "{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\","
			       "\"disks\":[{\"imag\":\"x\"}]}"), -1);
	assert_non_null(strstr(problem.hint, "\"image\""));
}

static void wrong_values_are_refused(void **state)
{
	static const char *const wrong[] = {
		"[]",
		"{\"kernel\":\"k\",\"memory\":\"1G\"}",
		"{\"name\":\"../x\",\"kernel\":\"k\",\"memory\":\"1G\"}",
		"{\"name\":\"a\",\"memory\":\"1G\"}",
		"{\"name\":\"a\",\"kernel\":\"k\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"-1G\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1.5G\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1048577\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"31M\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"99999999999T\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"vps\":0}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"vps\":65}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"vps\":\"2\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"uuid\":\"x\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"disks\":{}}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"disks\":[\"x\"]}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"disks\":[{}]}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"on_reboot\":\"preserve\"}",
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"cmdline\":\"a\\u0000b\"}",
	};
	struct config config;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		json_t *tree = json_loads(wrong[i], JSON_ALLOW_NUL, NULL);

		assert_non_null(tree);
		assert_int_equal(config_parse(&config, tree, "test.json", &problem), -1);
		assert_true(problem.code == PVN_EXIT_REFUSED || problem.code == PVN_EXIT_FAILED);
	}
}

static int parse_disk(struct config_disk *disk, const char *text)
{
	json_t *object = json_loads(text, 0, NULL);
	int error = config_parse_disk(disk, object, "test.json", &problem);

	assert_non_null(object);
	if (error)
		json_decref(object);
	return error;
}

static void disks_of_every_kind_are_taken(void **state)
{
	struct config config;
	const struct config_disk *disk = config.disk;

	(void)state;
	assert_int_equal(parse(&config,
		"{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\",\"disks\":["
		"{\"image\":\"x\",\"direct\":false,\"sector_size\":4096,\"serial\":\"s-1\","
		"\"secure_erase\":true},"
		"{\"nbd\":\"nbd+unix:///?socket=/s\",\"retry_seconds\":0,\"limits\":{\"iops\":100,"
		"\"iops_burst\":200,\"bytes_per_second\":\"10M\",\"bytes_burst\":1048576}},"
		"{\"null\":\"1T\",\"uuid\":\"01234567-89ab-cdef-0123-456789abcdef\"}]}"), 0);
	assert_int_equal(disk[0].kind, CONFIG_IMAGE);
	assert_int_equal(disk[0].direct, CHOICE_NO);
	assert_int_equal(disk[0].sector_bytes, 4096);
	assert_string_equal(disk[0].serial, "s-1");
	assert_true(disk[0].secure_erase);
	assert_int_equal(disk[0].retry_seconds, 30);
	assert_int_equal(disk[1].kind, CONFIG_NBD);
	assert_int_equal(disk[1].retry_seconds, 0);
	assert_int_equal(disk[1].iops, 100);
	assert_int_equal(disk[1].iops_burst, 200);
	assert_int_equal(disk[1].bytes_per_second, 10 << 20);
	assert_int_equal(disk[1].bytes_burst, 1 << 20);
	assert_int_equal(disk[2].kind, CONFIG_NULL);
	assert_int_equal(disk[2].null_bytes, 1ull << 40);
	assert_int_equal(disk[3].kind, CONFIG_NO_DISK);
	config_free(&config);
}

static void disks_that_make_no_sense_are_refused(void **state)
{
	static const char *const wrong[] = {
		"{}", "{\"image\":\"\"}", "{\"image\":\"x\",\"nbd\":\"nbd://h\"}",
		"{\"nbd\":\"http://h\"}", "{\"null\":\"1000\"}", "{\"null\":0}",
		"{\"image\":\"x\",\"sector_size\":1024}", "{\"image\":\"x\",\"serial\":\"a b\"}",
		"{\"image\":\"x\",\"serial\":\"\"}",
		"{\"image\":\"x\",\"serial\":\"0123456789012345678901234567890123456\"}",
		"{\"image\":\"x\",\"uuid\":\"x\"}", "{\"image\":\"x\",\"direct\":1}",
		"{\"null\":\"1G\",\"direct\":true}", "{\"null\":\"1G\",\"secure_erase\":true}",
		"{\"image\":\"x\",\"retry_seconds\":3}",
		"{\"image\":\"x\",\"limits\":5}", "{\"image\":\"x\",\"limits\":{\"iops\":0}}",
		"{\"image\":\"x\",\"limits\":{\"iops_burst\":5}}",
		"{\"image\":\"x\",\"limits\":{\"bytes_per_second\":\"2T\"}}",
		"{\"image\":\"x\",\"limits\":{\"iop\":5}}",
	};
	struct config_disk disk;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memset(&problem, 0, sizeof(problem));
		assert_int_equal(parse_disk(&disk, wrong[i]), -1);
		assert_int_equal(problem.code, PVN_EXIT_REFUSED);
		assert_true(*problem.text != 0);
	}
}

static void several_consoles_have_names_of_their_own(void **state)
{
	struct config config;
	char text[64];

	(void)state;
	assert_int_equal(parse(&config, "{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\","
			       "\"console\":{\"count\":3,\"log\":\"/l\",\"log_bytes\":\"1M\","
			       "\"log_files\":2}}"), 0);
	assert_int_equal(config.console_count, 3);
	assert_int_equal(config.console_log_bytes, 1 << 20);
	assert_int_equal(config.console_log_files, 2);
	config_console_log(&config, 0, text, sizeof(text));
	assert_string_equal(text, "/l");
	config_console_log(&config, 2, text, sizeof(text));
	assert_string_equal(text, "/l.hvc2");
	config_console_socket(0, text, sizeof(text));
	assert_string_equal(text, "console");
	config_console_socket(1, text, sizeof(text));
	assert_string_equal(text, "console1");
	config_free(&config);
	assert_int_equal(parse(&config, "{\"name\":\"a\",\"kernel\":\"k\",\"memory\":\"1G\","
			       "\"console\":{\"count\":9}}"), -1);
}

static void sizes_are_understood(void **state)
{
	uint64_t bytes;

	(void)state;
	assert_true(config_size("256M", &bytes) && bytes == 256ull << 20);
	assert_true(config_size("2g", &bytes) && bytes == 2ull << 30);
	assert_true(config_size("4096", &bytes) && bytes == 4096);
	assert_true(config_size("1TiB", &bytes) && bytes == 1ull << 40);
	assert_false(config_size("", &bytes));
	assert_false(config_size("M", &bytes));
	assert_false(config_size("1X", &bytes));
	assert_false(config_size("1MB3", &bytes));
	assert_false(config_size("99999999999999999999", &bytes));
}

static void names_cannot_leave_their_folder(void **state)
{
	(void)state;
	assert_true(pvn_name_is_good("demo-1.a_b"));
	assert_false(pvn_name_is_good(""));
	assert_false(pvn_name_is_good(".."));
	assert_false(pvn_name_is_good("-x"));
	assert_false(pvn_name_is_good("a/b"));
}

static void the_nearest_word_is_near(void **state)
{
	static const char *const words[] = { "create", "list", "console", NULL };

	(void)state;
	assert_string_equal(pvn_nearest("creat", words), "create");
	assert_string_equal(pvn_nearest("lsit", words), "list");
	assert_null(pvn_nearest("zzzzzzzz", words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_configuration_gets_defaults),
		cmocka_unit_test(all_keys_are_taken),
		cmocka_unit_test(devices_are_emulated_when_asked_for),
		cmocka_unit_test(networks_are_taken),
		cmocka_unit_test(networks_that_make_no_sense_are_refused),
		cmocka_unit_test(devices_of_ones_own_are_taken_or_refused),
		cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(disks_of_every_kind_are_taken),
		cmocka_unit_test(disks_that_make_no_sense_are_refused),
		cmocka_unit_test(several_consoles_have_names_of_their_own),
		cmocka_unit_test(sizes_are_understood),
		cmocka_unit_test(names_cannot_leave_their_folder),
		cmocka_unit_test(the_nearest_word_is_near),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
