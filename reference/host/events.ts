// SPDX-License-Identifier: GPL-2.0-or-later

/** What a host does to its machine, as can be observed in order. Names and fields as in the protocol. */
export type HostEvent =
  | { e: 'kill_guest'; message: string }
  | { e: 'kasprintf'; ok: boolean }
  | { e: 'host_bug'; file: string; line: number }
  | { e: 'host_overflow'; array: string; how: 'copy' | 'zero'; bytes: number; room: number }
  | { e: 'get_zeroed_page'; ok: boolean }
  | { e: 'free_page'; null?: true }
  | { e: 'get_user_pages_fast'; guest_pfn: number; write: boolean; ok: boolean }
  | { e: 'put_page'; guest_pfn: number }
  | { e: 'random32'; value: number }
  | { e: 'ktime_get_real' | 'ktime_get_real_ts' | 'hrtimer_cancel' | 'wake_up_process' }
  | { e: 'hrtimer_init'; mode: number }
  | { e: 'hrtimer_start'; delta_ns: number; mode: 'abs' }
  | { e: 'signal_pending'; value: boolean }
  | { e: 'try_to_freeze' | 'schedule' | 'cond_resched' | 'local_irq_disable' | 'local_irq_enable' }
  | { e: 'set_current_state'; state: 'TASK_INTERRUPTIBLE' | 'TASK_RUNNING' }
  | { e: 'unlazy_fpu' | 'math_state_restore' }
  | { e: 'fpu_save' | 'stts' | 'clts' | 'fpu_restore' }
  | { e: 'init_fpu'; ok: boolean }
  | { e: 'wait_event_interruptible' | 'mmput' }
  | { e: 'get_vm_area' | 'map_vm_area' | 'misc_register'; ok: boolean }
  | { e: 'vunmap' | 'misc_deregister' }
  | { e: 'printk'; message: string }
  | { e: 'wrmsr'; msr: number; low: number; high: number }
  | { e: 'read_cr2'; value: number }
  | { e: 'read_cr4' | 'write_cr4'; cpu: number; value: number }
  | { e: 'host_interrupt'; vector: number }
  | { e: 'store_idt' | 'get_online_cpus' | 'put_online_cpus' | 'wake_up' }
  | { e: 'on_each_cpu'; arg: number; wait: number }
  | { e: 'clear_cpu_cap' | 'set_cpu_cap'; feature: string }
  | SwitchToGuestEvent;

/** An entry into the guest, with what the processor then finds in memory. */
export type SwitchToGuestEvent = {
  e: 'switch_to_guest';
  host_cpu: number;
  /** Which of the guest's shadow page directories is in CR3. */
  pgdir: number;
  sp1: number;
  ss1: number;
  /** `host_cr3` of the state page names the current task's page directory. */
  host_cr3_ok: boolean;
  switcher_pde_flags: number;
  /** The Switcher's entry of the shadow page directory names this host CPU's own table. */
  switcher_pde_own_cpu: boolean;
  regs_pte_index: number;
  regs_pte_flags: number;
  /** The registers' page in the window is the guest's own. */
  regs_pte_is_regs_page: boolean;
  regs: Record<string, number>;
};
