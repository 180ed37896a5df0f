/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing of the compiler's own header is wanted. */
#pragma once
