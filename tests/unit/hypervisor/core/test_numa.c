// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Proximity domains: firmware's tables, and what is placed by them.
 */
#include "fake_machine.h"

#include "core/acpi.h"

#define TABLES	 (60ull << 20)	/* above what the tests give to children */
#define BOUNDARY (FAKE_MEMORY_BYTES / 4)	/* of the two domains */

static void put(uint64_t at, const void *from, size_t bytes)
{
	memcpy(plat_hva(hpa(at)), from, bytes);
}

/* Its checksum byte makes the sum 0. */
static void seal(uint64_t at, size_t checksum_at, size_t bytes)
{
	uint8_t *table = plat_hva(hpa(at)), sum = 0;

	table[checksum_at] = 0;
	for (size_t i = 0; i < bytes; i++)
		sum += table[i];
	table[checksum_at] = -sum;
}

static void begin_table(uint64_t at, const char *signature, uint32_t bytes)
{
	memset(plat_hva(hpa(at)), 0, bytes);
	put(at, signature, 4);
	put(at + 4, &bytes, 4);
}

static void put_memory(uint64_t at, uint32_t domain, uint64_t start, uint64_t bytes, uint32_t flags)
{
	put(at, (uint8_t[]){ 1, 40 }, 2);
	put(at + 2, &domain, 4);
	put(at + 8, &start, 8);
	put(at + 16, &bytes, 8);
	put(at + 28, &flags, 4);
}

/* RSDP, RSDT, and an SRAT: processors 0 and 1 (each kind of entry), memory of domains 0 and 0x101. */
static struct hpa write_tables(void)
{
	const uint64_t rsdt = TABLES + 0x100, srat = TABLES + 0x200;
	const uint32_t bytes = 48 + 16 + 24 + 3 * 40, rsdt_at = rsdt, srat_at = srat;

	memset(plat_hva(hpa(TABLES)), 0, 36);
	put(TABLES, "RSD PTR ", 8);
	put(TABLES + 16, &rsdt_at, 4);
	seal(TABLES, 8, 20);
	begin_table(rsdt, "RSDT", 40);
	put(rsdt + 36, &srat_at, 4);
	seal(rsdt, 9, 40);
	begin_table(srat, "SRAT", bytes);
	put(srat + 48, (uint8_t[]){ 0, 16, 0, 0, 1 }, 5);
	put(srat + 64, (uint8_t[]){ 2, 24, 0, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1 }, 13);
	put_memory(srat + 88, 0, 0, BOUNDARY, 1);
	put_memory(srat + 128, 0x101, BOUNDARY, FAKE_MEMORY_BYTES - BOUNDARY, 1);
	put_memory(srat + 168, 7, 1ull << 40, 4096, 0);	/* not enabled */
	seal(srat, 9, bytes);
	return hpa(TABLES);
}

static void tell_domains(void)
{
	numa_init(write_tables());
	machine.cpu[0].domain = numa_of(false, 0);
	machine.cpu[1].domain = numa_of(false, 1);
}

static void every_kind_of_entry_is_read(void **state)
{
	struct acpi_affinity found[8];

	(void)state;
	assert_int_equal(acpi_affinities(write_tables(), found, 8), 4);
	assert_int_equal(acpi_affinities(hpa(TABLES), found, 3), 3);
	tell_domains();
	assert_int_equal(numa_of(false, 0), 0);
	assert_int_equal(numa_of(false, 1), 0x101);
	assert_int_equal(numa_of(false, 2), NUMA_ANY);
	assert_int_equal(numa_of(true, BOUNDARY - 1), 0);
	assert_int_equal(numa_of(true, BOUNDARY), 0x101);
	assert_int_equal(numa_of(true, 1ull << 40), NUMA_ANY);
}

static void a_damaged_table_is_none(void **state)
{
	struct acpi_affinity found[8];
	uint8_t *srat = plat_hva(hpa(TABLES + 0x200));

	(void)state;
	write_tables();
	srat[60]++;
	assert_int_equal(acpi_affinities(hpa(TABLES), found, 8), 0);
	/* An entry that reaches beyond the table ends it. */
	write_tables();
	srat[65] = 200;
	seal(TABLES + 0x200, 9, 48 + 16 + 24 + 3 * 40);
	assert_int_equal(acpi_affinities(hpa(TABLES), found, 8), 1);
}

static void unknown_domains_are_refused(void **state)
{
	uint32_t domain;

	(void)state;
	numa_init(HPA_NONE);
	assert_int_equal(numa_domain(0, 1u << 31, &domain), PVN_STATUS_SUCCESS);
	assert_int_equal(domain, NUMA_ANY);
	assert_int_equal(numa_domain(1, 1u << 31, &domain), PVN_STATUS_INVALID_PROXIMITY_DOMAIN_INFO);
	tell_domains();
	assert_int_equal(numa_domain(0x101, 1u << 31, &domain), PVN_STATUS_SUCCESS);
	assert_int_equal(domain, 0x101);
	assert_int_equal(numa_domain(7, 1u << 31, &domain), PVN_STATUS_INVALID_PROXIMITY_DOMAIN_INFO);
	assert_int_equal(numa_domain(0, 1u << 31 | 4, &domain), PVN_STATUS_INVALID_PROXIMITY_DOMAIN_INFO);
	assert_int_equal(numa_domain(7, 0, &domain), PVN_STATUS_SUCCESS);
	assert_int_equal(domain, NUMA_ANY);
}

static void vps_are_at_home_in_their_domain(void **state)
{
	uint64_t id = make_child(0);
	struct partition *child = partition_of(id);

	(void)state;
	tell_domains();
	for (uint32_t i = 0; i < 4; i++) {
		const struct pvn_create_vp_in in = {
			.partition_id = id, .vp_index = i, .proximity_id = i < 2 ? 0x101 : 0,
			.proximity_flags = 1u << 31,
		};

		assert_int_equal(root_call(PVN_CALL_create_vp, &in, sizeof(in), NULL, 0), PVN_STATUS_SUCCESS);
		assert_int_equal(child->vps[i]->cpu->domain, in.proximity_id);
	}
}

static void pages_of_the_domain_come_first(void **state)
{
	struct page_pool pool;
	void *page;

	(void)state;
	tell_domains();
	page_pool_init(&pool);
	pool.domain = 0x101;
	for (unsigned int i = 0; i < 4; i++)
		page_pool_add(&pool, hpa(BOUNDARY + (i % 2 ? 1 : -1) * (int64_t)((1 + i) * PAGE_SIZE)));
	assert_null(page_pool_remove(&pool, 7));
	page = page_pool_remove(&pool, 0);
	assert_true(plat_hpa(page).v < BOUNDARY);
	assert_true(plat_hpa(page_pool_alloc(&pool)).v >= BOUNDARY);
	assert_true(plat_hpa(page_pool_alloc(&pool)).v >= BOUNDARY);
	/* Better one from far away than none. */
	page = page_pool_alloc(&pool);
	assert_true(plat_hpa(page).v < BOUNDARY);
	assert_null(page_pool_alloc(&pool));
	/* What comes back goes where it belongs, the last one too. */
	page_pool_free(&pool, page);
	page_pool_add(&pool, hpa(BOUNDARY + PAGE_SIZE));
	page_pool_add(&pool, hpa(BOUNDARY - 4 * PAGE_SIZE));
	assert_true(plat_hpa(page_pool_alloc(&pool)).v > BOUNDARY);
	page = page_pool_remove(&pool, 0);
	assert_true(plat_hpa(page).v < BOUNDARY);
	assert_non_null(page_pool_alloc(&pool));
	assert_null(page_pool_remove(&pool, 0));
}

static int teardown(void **state)
{
	numa_init(HPA_NONE);
	return fake_machine_teardown(state);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fake_machine_setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_kind_of_entry_is_read),
		T(a_damaged_table_is_none),
		T(unknown_domains_are_refused),
		T(vps_are_at_home_in_their_domain),
		T(pages_of_the_domain_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
