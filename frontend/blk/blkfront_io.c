// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Requests of pvn_blkfront.ko: from Linux's multi-queue block layer into the ring
 * and back. Slots and ids are in blkfront_ring.c, the ring in the ABI.
 *
 * The pages of a request are the buffers: nothing is copied. A tag of the block
 * layer is a slot of the ring, so there is always room for what Linux submits.
 *
 * Interrupts are avoided where possible: answers are taken whenever a request is
 * submitted; a lone request's answer is looked for a short learned time, if whoever
 * submits has the habit of waiting for it (struct blkfront_habit); all others' are looked
 * for by a thread that runs when the processor has nothing else to do (look_on()); and the
 * doorbell is asked for half of what is in flight at once, or more (blkfront_group()).
 */
#define pr_fmt(fmt) "pvn_blkfront: " fmt

#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "frontend/blk/blkfront.h"
#include "pv-guest/pvn_core.h"

#define BATCH 32
#define POLL_BYTES_MAX 65536u	/* larger requests take longer than looking is worth */

static int poll_us = -1;
module_param(poll_us, int, 0444);
MODULE_PARM_DESC(poll_us, "longest look for the answer to a single request before sleeping, in us; 0: none; "
			  "-1: by what an exit costs");

static blk_status_t blk_status(enum pvn_blk_status status)
{
	switch (status) {
	case PVN_BLK_OK:
		return BLK_STS_OK;
	case PVN_BLK_UNSUPPORTED:
		return BLK_STS_NOTSUPP;
	case PVN_BLK_NO_SPACE:
		return BLK_STS_NOSPC;
	default:
		return BLK_STS_IOERR;
	}
}

static bool add_segments(struct blkfront_queue *queue, struct request *rq)
{
	struct req_iterator iter;
	struct bio_vec bv;

	rq_for_each_bvec(bv, rq, iter)
		if (!blkfront_add(&queue->ring, rq->tag, page_to_phys(bv.bv_page) + bv.bv_offset,
				  bv.bv_len))
			return false;
	return true;
}

static void fill_range(struct blkfront_queue *queue, struct request *rq, enum pvn_blk_op op)
{
	bool unmap = op == PVN_BLK_WRITE_ZEROES && !(rq->cmd_flags & REQ_NOUNMAP);

	blkfront_begin(&queue->ring, rq->tag, op, false, blk_rq_pos(rq));
	blkfront_set_range(&queue->ring, rq->tag, blk_rq_sectors(rq), unmap);
}

static blk_status_t fill_slot(struct blkfront_queue *queue, struct request *rq)
{
	bool fua = rq->cmd_flags & REQ_FUA;

	switch (req_op(rq)) {
	case REQ_OP_READ:
		blkfront_begin(&queue->ring, rq->tag, PVN_BLK_READ, false, blk_rq_pos(rq));
		break;
	case REQ_OP_WRITE:
		blkfront_begin(&queue->ring, rq->tag, PVN_BLK_WRITE, fua, blk_rq_pos(rq));
		break;
	case REQ_OP_FLUSH:
		blkfront_begin(&queue->ring, rq->tag, PVN_BLK_FLUSH, false, 0);
		return BLK_STS_OK;
	case REQ_OP_DISCARD:
		fill_range(queue, rq, PVN_BLK_DISCARD);
		return BLK_STS_OK;
	case REQ_OP_WRITE_ZEROES:
		fill_range(queue, rq, PVN_BLK_WRITE_ZEROES);
		return BLK_STS_OK;
	case REQ_OP_SECURE_ERASE:
		fill_range(queue, rq, PVN_BLK_SECURE_ERASE);
		return BLK_STS_OK;
	default:
		return BLK_STS_NOTSUPP;
	}
	return add_segments(queue, rq) ? BLK_STS_OK : BLK_STS_IOERR;
}

/* How long the answer took, a lone request's or any, by whatever way it came. */
static void learn(struct blkfront_queue *queue)
{
	u64 now = ktime_get_ns();

	if (queue->lone_since_ns)
		pvn_poll_waited(queue->lone_poll, now - queue->lone_since_ns);
	queue->lone_since_ns = 0;
	pvn_poll_waited(&queue->look, now - queue->waiting_since_ns);
	queue->waiting_since_ns = now;
}

/*
 * Up to BATCH answers; the last look at the ring also asks for the next doorbell. `idle`:
 * the processor is, so whoever submits waits for them.
 */
static unsigned int take_answers(struct blkfront_queue *queue, struct request **rqs,
				 blk_status_t *results, bool idle)
{
	struct pvn_queue_front *ring = &queue->ring.queue;
	enum pvn_blk_status status;
	unsigned int count = 0;
	unsigned long flags;
	void *cookie;

	spin_lock_irqsave(&queue->lock, flags);
	do {
		while (count < BATCH && blkfront_next(&queue->ring, &cookie, &status)) {
			rqs[count] = cookie;
			results[count++] = blk_status(status);
		}
		if (count)
			learn(queue);
	} while (count < BATCH && pvn_front_arm(ring, blkfront_group(&queue->ring)));
	if (idle && count)
		blkfront_waited(&queue->ring.habit);
	if (ring->broken && !queue->front->dead)
		schedule_work(&queue->front->bury);
	spin_unlock_irqrestore(&queue->lock, flags);
	return count;
}

/*
 * Ends requests right here, whoever calls: what comes after them in a full batch is
 * taken in the next round. Bounded by what is in flight. False: there was none.
 */
static bool end_answered(struct blkfront_queue *queue, bool idle)
{
	struct request *rqs[BATCH];
	blk_status_t results[BATCH];
	unsigned int count, i;
	bool any = false;

	do {
		count = take_answers(queue, rqs, results, idle);
		for (i = 0; i < count; i++)
			blk_mq_end_request(rqs[i], results[i]);
		any |= count > 0;
	} while (count == BATCH);
	return any;
}

/* Without a lock: may be wrong for a moment, which costs a look. */
static bool has_answers(const struct blkfront_queue *queue)
{
	return pvn_front_ready(&queue->ring.queue);
}

/*
 * Somebody waits for just this one, so looking for the answer beats going idle: for as long
 * as such requests have taken. NULL: not so. What has to reach the medium may take a thousand
 * times as long as what does not, or the same, so it is learned by itself.
 */
static struct pvn_poll *poll_for(struct blkfront_queue *queue, const struct request *rq)
{
	bool transfer = req_op(rq) == REQ_OP_READ || req_op(rq) == REQ_OP_WRITE;

	if (!queue->poll.ceiling_ns || queue->ring.in_flight != 1 ||
	    (rq->cmd_flags & REQ_RAHEAD) || !op_is_sync(rq->cmd_flags) ||
	    !(transfer || req_op(rq) == REQ_OP_FLUSH) || blk_rq_bytes(rq) > POLL_BYTES_MAX)
		return NULL;
	return transfer && !(rq->cmd_flags & REQ_FUA) ? &queue->poll : &queue->sync_poll;
}

static void look_for_answer(struct blkfront_queue *queue, u32 budget_ns)
{
	u64 end = ktime_get_ns() + budget_ns;

	queue->polled++;
	while (!has_answers(queue)) {
		if (ktime_get_ns() >= end)
			return;
		cpu_relax();
	}
	queue->poll_hits++;
}

/*
 * A queue's looker. It has the lowest priority: whoever has something to do goes first, such
 * as those whose requests it ends. So looking costs what would be idle time, and saves the
 * guest's sleep and waking, and the back-end its doorbells.
 */
static int look_on(void *context)
{
	struct blkfront_queue *queue = context;
	bool placed = false;
	u64 end;

	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		if (!READ_ONCE(queue->ring.looked_at)) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		if (!placed)	/* where requests of this queue are submitted */
			set_cpus_allowed_ptr(current, queue->hctx->cpumask);
		placed = true;
		end = ktime_get_ns() + READ_ONCE(queue->look.budget_ns);
		while (READ_ONCE(queue->ring.in_flight) && ktime_get_ns() < end) {
			if (has_answers(queue) && end_answered(queue, true))
				end = ktime_get_ns() + READ_ONCE(queue->look.budget_ns);
			cpu_relax();
			cond_resched();
		}
		WRITE_ONCE(queue->ring.looked_at, false);
		end_answered(queue, false);	/* asks for the doorbell as others do */
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Is the looker to be woken? */
static bool wants_looker(struct blkfront_queue *queue)
{
	if (!queue->look.budget_ns || queue->ring.looked_at)
		return false;
	queue->ring.looked_at = true;
	return true;
}

/* On the path of a write: from the block layer, to blkfront_submit(), to the doorbell. */
static blk_status_t queue_rq(struct blk_mq_hw_ctx *hctx, const struct blk_mq_queue_data *bd)
{
	struct blkfront_queue *queue = hctx->driver_data;
	struct request *rq = bd->rq;
	struct pvn_poll *poll = NULL;
	unsigned long flags;
	blk_status_t status;
	bool ring = false, wake = false;
	u32 budget_ns = 0;
	u64 now;

	if (READ_ONCE(queue->front->dead))
		return BLK_STS_IOERR;
	blk_mq_start_request(rq);
	spin_lock_irqsave(&queue->lock, flags);
	blkfront_went_on(&queue->ring.habit);
	status = fill_slot(queue, rq);
	if (!status && !blkfront_submit(&queue->ring, rq->tag, rq))
		status = BLK_STS_IOERR;
	now = queue->ring.in_flight == 1 ? ktime_get_ns() : 0;
	if (now)
		queue->waiting_since_ns = now;
	if (bd->last) {
		poll = status ? NULL : poll_for(queue, rq);
		if (poll && poll->budget_ns && !blkfront_waits(&queue->ring.habit))
			poll = NULL;
		budget_ns = poll ? poll->budget_ns : 0;
		queue->lone_poll = poll;
		queue->lone_since_ns = poll ? now : 0;
		wake = !budget_ns && wants_looker(queue);
		/* Whoever looks needs no doorbell; others need it the later, the more there is. */
		pvn_front_rearm(&queue->ring.queue, budget_ns ? 0 : blkfront_group(&queue->ring));
		ring = pvn_front_publish(&queue->ring.queue);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	if (ring)
		pvn_signal_event(queue->channel, 0);
	if (wake)
		wake_up_process(queue->looker);
	/* From here on rq may have ended already. */
	if (budget_ns)
		look_for_answer(queue, budget_ns);
	if (budget_ns || (bd->last && has_answers(queue)))
		end_answered(queue, false);	/* these need no interrupt any more */
	return status;
}

void blkfront_publish(struct blkfront_queue *queue)
{
	unsigned long flags;
	bool ring;

	spin_lock_irqsave(&queue->lock, flags);
	ring = pvn_front_publish(&queue->ring.queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (ring)
		pvn_signal_event(queue->channel, 0);
}

/* The block layer has no more for now although it did not say "last". */
static void commit_rqs(struct blk_mq_hw_ctx *hctx)
{
	blkfront_publish(hctx->driver_data);
}

/* The doorbell from the back-end. */
void blkfront_complete(void *context)
{
	struct blkfront_queue *queue = context;

	queue->ring.queue.counters.events++;
	/* If somebody runs, whoever submits need not have waited for these. */
	if (!end_answered(queue, is_idle_task(current) || current == queue->looker))
		queue->ring.queue.counters.events_idle++;
}

/* Slow is not wrong; but a back-end that has given the queue up never answers. */
static enum blk_eh_timer_return request_timeout(struct request *rq)
{
	struct blkfront_queue *queue = rq->mq_hctx->driver_data;
	struct blkfront *front = queue->front;

	if (READ_ONCE(front->connected) && !READ_ONCE(front->dead) &&
	    READ_ONCE(queue->ring.queue.peer->error)) {
		pvn_front_break(&queue->ring.queue, PVN_RING_BAD_SETUP);
		schedule_work(&front->bury);
	}
	return BLK_EH_RESET_TIMER;
}

static int init_hctx(struct blk_mq_hw_ctx *hctx, void *data, unsigned int index)
{
	struct blkfront *front = data;

	hctx->driver_data = &front->queues[index];
	front->queues[index].hctx = hctx;
	return 0;
}

const struct blk_mq_ops blkfront_mq_ops = {
	.queue_rq = queue_rq,
	.commit_rqs = commit_rqs,
	.timeout = request_timeout,
	.init_hctx = init_hctx,
};

int blkfront_init_poll(struct blkfront_queue *queue)
{
	struct task_struct *looker;

	queue->poll.ceiling_ns = poll_us < 0 ? pvn_poll_ceiling_ns() : min(poll_us, 1000) * NSEC_PER_USEC;
	queue->poll.budget_ns = queue->poll.ceiling_ns;
	queue->sync_poll = queue->poll;
	queue->look = queue->poll;
	if (!queue->look.ceiling_ns)
		return 0;
	looker = kthread_create(look_on, queue, "pvn_%s/%u", dev_name(&queue->front->device->dev),
				queue->index);
	if (IS_ERR(looker))
		return PTR_ERR(looker);
	set_user_nice(looker, MAX_NICE);
	queue->looker = looker;
	return 0;
}

void blkfront_end_poll(struct blkfront_queue *queue)
{
	if (queue->looker)
		kthread_stop(queue->looker);
	queue->looker = NULL;
}
